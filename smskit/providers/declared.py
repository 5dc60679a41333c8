"""
A provider's settings as its ``Settings`` class declares them: what a form and a page about it need to know.

Read from annotations, bounds and the descriptions of the fields, so that a
plug-in's settings are a form, too, without anything written twice.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from smskit.i18n import mark
from smskit.providers.base import Provider
from smskit.settings import variable_of

__all__ = ["Setting", "settings_of"]

# Settings all providers have, unless the provider's own description says more.
_COMMON = {
    "base_url": mark("Where requests go."),
    "plain_http": mark(
        "Whether an address may be http:// to another machine, as of a gateway inside the house: keys and "
        "phones can be read on the way."
    ),
    "timeout_s": mark("Longest wait for an answer, seconds."),
    "connect_timeout_s": mark("Longest wait for a connection, seconds."),
    "requests_per_second": mark("Most requests a second; 0 = unpaced."),
    "concurrency": mark("Requests on the way at the same time."),
    "batch_size": mark("Largest number of people in one request."),
    "exclusive": mark(
        "Nothing else sends through this account: no other program, ledger or person. A report about a "
        "number, with an id that is not ours, then settles the one unknown message to that number."
    ),
}
_KEY = mark("A key of the account.")


@dataclass(frozen=True, slots=True)
class Setting:
    """
    One setting of a provider.

    Args:
        variable: Its environment variable.
        kind: ``text``, ``whole`` or ``number``, ``choice`` (of ``choices``).
        default: As text; "" = not set.
        least, most: Bounds of a number, None = none.
        help: In English, for `smskit.i18n`.
    """

    name: str
    variable: str
    secret: bool
    required: bool
    kind: str
    default: str
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    help: str = ""

    @property
    def identifies(self) -> bool:
        """Whether it tells which account is meant, and so has its place at the top of a form."""
        return self.secret or self.required


def settings_of(cls: type[Provider]) -> tuple[Setting, ...]:
    """What *cls* declares: what it cannot do without first, then in the order of its class."""
    needed, secrets = cls.required_settings(), cls.Settings.secret_fields()
    found = [
        _setting(cls, name, field, name in secrets, name in needed)
        for name, field in cls.Settings.model_fields.items()
    ]
    return tuple(sorted(found, key=lambda s: (not s.required, not s.secret)))


def _setting(cls: type[Provider], name: str, field: FieldInfo, secret: bool, required: bool) -> Setting:
    kind, choices = _kind(field.annotation)
    bounds = {side: _bound(field, side) for side in ("ge", "le")}
    return Setting(
        name,
        variable_of(cls.name, name),
        secret,
        required,
        kind,
        _default(field),
        choices,
        bounds["ge"],
        bounds["le"],
        field.description or _COMMON.get(name) or (_KEY if secret else ""),
    )


def _kind(annotation: Any) -> tuple[str, tuple[str, ...]]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):  # of a type and None
        return _kind(next(a for a in arguments if a is not type(None)))
    if origin is Literal:
        return "choice", tuple(map(str, arguments))
    if annotation is bool:
        return "choice", ("true", "false")
    return {int: "whole", float: "number"}.get(annotation, "text"), ()


def _default(field: FieldInfo) -> str:
    value = None if field.is_required() else field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _bound(field: FieldInfo, side: str) -> float | None:
    return next((getattr(m, side) for m in field.metadata if hasattr(m, side)), None)
