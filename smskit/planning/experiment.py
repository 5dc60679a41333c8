"""
Experiments: two or more ordinary campaigns over one segment, of which each has the people of its arm.

An arm is a stretch of 0 to 1; a person lies somewhere in it by a stable hash of person and experiment. What
the arms may differ in is what is tried: text, provider, hour. In who may be messaged they must not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from smskit.errors import InputError
from smskit.i18n import Message

if TYPE_CHECKING:
    from smskit.planning.spec import CampaignSpec

__all__ = ["SAME", "demand_alike", "parse_arm", "try_another"]

_KEYS: Final = ("experiment", "name", "from", "to")
_NAME: Final = re.compile(r"[\w.:+-]{1,64}")
# What decides who may be messaged; arms that differ here would not hold the same kind of people.
SAME: Final = (
    *("segment", "segment_query", "sheet", "heading_row", "rules", "user_id", "phone", "message_class"),
    *("consent", "frequency_cap", "holdout", "global_holdout", "keep", "fits"),
)


def parse_arm(given: Mapping[str, Any]) -> dict[str, Any]:
    """
    An arm as parameters have it: experiment, name, from and to.

    Raises:
        ValueError: a name is missing, or the stretch is none.
    """
    example = "{experiment: NAME, name: yunpian, from: 0.0, to: 0.5}"
    shape = Message("must read like {example}", example=example)
    if sorted(given) != sorted(_KEYS):
        raise ValueError(shape)
    names = {key: str(given[key]) for key in ("experiment", "name")}
    try:
        ends = {key: float(given[key]) for key in ("from", "to")}
    except (TypeError, ValueError):
        raise ValueError(shape) from None
    if not all(map(_NAME.fullmatch, names.values())) or not 0 <= ends["from"] < ends["to"] <= 1:
        raise ValueError(shape)
    return {**names, **ends}


def demand_alike(one: CampaignSpec, other: CampaignSpec) -> None:
    """
    Refuse two arms that differ in who may be messaged.

    Raises:
        InputError: names what differs.
    """
    differ = [name for name in SAME if getattr(one, name) != getattr(other, name)]
    if one.series_name != other.series_name:
        differ.append("series")
    if differ:
        raise InputError(
            "two arms of an experiment are about the same people, and these differ in {names}: what comes "
            "of it could be of that",
            names=", ".join(f"`{name}`" for name in differ),
        )


def try_another(spec: CampaignSpec, changes: Mapping[str, Any]) -> tuple[CampaignSpec, CampaignSpec]:
    """
    Two campaigns of one: half of the people get it as it is, the other half with *changes*.

    Both keep the same people back, since both are of the series of *spec*; their ids end in ``a`` and ``b``.

    Args:
        changes: Parameters that are to be tried: template, template_id, variables, provider, hours.

    Raises:
        InputError: a change is of who may be messaged, or *spec* is an arm already.
    """
    if spec.arm is not None:
        raise InputError("this campaign is an arm of experiment `{name}`", name=spec.arm["experiment"])
    if not changes:
        raise InputError("say what the other half is to get: another text, provider or hour")
    more_providers = [spec.provider, str(changes["provider"])] if "provider" in changes else []
    fits = {"fits": list(dict.fromkeys([*spec.fits, *more_providers]))} if more_providers else {}
    made = []
    for name, (low, high), more in zip("ab", ((0.0, 0.5), (0.5, 1.0)), ({}, dict(changes)), strict=True):
        arm = {"experiment": spec.campaign[:64], "name": name, "from": low, "to": high}
        own = {"campaign": f"{spec.campaign[:118]}-{name}", "series": spec.series_name, "plan_hash": ""}
        made.append(type(spec).from_data(spec.to_data() | more | own | fits | {"arm": arm}))
    demand_alike(*made)
    return made[0], made[1]
