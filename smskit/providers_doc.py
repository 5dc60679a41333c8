"""
What providers declare, as people read it: the table of providers, and a page about each.

Read from declarations alone, without any credential or request.
``python -m smskit.providers_doc`` writes the README's table and docs/providers
anew; a test says when that was forgotten.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from smskit.engine import Patience
from smskit.errors import SettingsError, SmskitError
from smskit.models import About, Code, CodeClass
from smskit.optout import OptOutRule, Place
from smskit.providers import Feature, Limits, Provider, provider_class, provider_names
from smskit.session import limits_of
from smskit.settings import Environment, ProviderSettings, project_root, variable_of
from smskit.template import Form, Template

__all__ = ["Overview", "builtin_names", "files", "markdown", "overview", "page", "plain"]

_START, _END = "<!-- providers -->", "<!-- /providers -->"
_COMMAND = "python -m smskit.providers_doc"
_PLACES = {
    Place.TEXT: "part of the text (of the approved template where a template id is given); "
    "`opt_out_wording: add` appends `{0}`",
    Place.TEMPLATE: "part of the approved template; smskit cannot add it",
    Place.PROVIDER: "the provider appends it itself, and its length is counted",
}

_FEATURES = {
    "receipts": "receipts 状态报告",
    "replies": "replies 上行",
    "records": "records 发送记录",
    "balance": "balance 余额",
    "templates": "templates 模板",
    "signatures": "signatures 签名",
}
_MEANING = {
    "receipts": "`smskit receipts` learns who got the message, and why others did not",
    "replies": "`smskit receipts` fetches what people answer; who answers 退订 is not messaged again",
    "records": "what became of a message without an answer can be asked; that settles unknowns",
    "balance": "`smskit check` shows what is left",
    "templates": "`smskit check` compares the approved text; a campaign may leave `template` empty",
    "signatures": "`smskit check` sees whether the signature is approved",
}
_HOW = {
    "one by one": "yes, asked for one message after the other",
    "accepted only": "accepted ones only: what is not found stays unknown, for a person to decide",
    "if configured": "where the configuration file describes it",
}

# Settings all providers have, unless the provider's own comment says more.
_COMMON = {
    "base_url": "Where requests go.",
    "timeout_s": "Longest wait for an answer, seconds.",
    "connect_timeout_s": "Longest wait for a connection, seconds.",
    "requests_per_second": "Most requests a second; 0 = unpaced.",
    "concurrency": "Requests on the way at the same time.",
    "batch_size": "Most people in one request.",
}
_KEY = "A key of the account."


class Overview(NamedTuple):
    """One provider's line in the table; plain data."""

    name: str
    title: str
    same: int | None  # people in one request with equal values; None = its configuration says
    most_same: int | None  # the same, when the settings are set as high as they go
    different: int | None  # people in one request with values of their own
    most_different: int | None
    receipts: str
    replies: str
    records: str
    balance: str
    templates: str
    signatures: str
    credentials: tuple[str, ...]  # environment variables that must be set
    optional_credentials: tuple[str, ...]


def overview(names: Iterable[str]) -> list[Overview]:
    """
    The table of these providers, without looking at any setting of this machine.

    Raises:
        SpecError: one of them is not known.
    """
    return [_overview(provider_class(name)) for name in names]


def builtin_names() -> list[str]:
    """The providers that come with smskit; plug-ins are documented by who wrote them."""
    return [name for name in provider_names() if provider_class(name).__module__.startswith("smskit.")]


def _overview(cls: type[Provider]) -> Overview:
    needed = cls.required_settings()
    secret = [name for name in cls.Settings.secret_fields() if name not in needed]
    usual, most = _limits(cls), _limits(cls, largest=True)
    can = _capabilities(cls)
    return Overview(
        cls.name,
        cls.title,
        usual.same if usual else None,
        most.same if most else None,
        usual.different if usual else None,
        most.different if most else None,
        **can,
        credentials=tuple(variable_of(cls.name, name) for name in needed),
        optional_credentials=tuple(variable_of(cls.name, name) for name in secret),
    )


def _limits(cls: type[Provider], *, largest: bool = False) -> Limits | None:
    """The limits under default settings, or with the largest batch; None where a configuration says them."""
    most = _bounds(cls.Settings.model_fields["batch_size"]).get("le")
    chosen = {variable_of(cls.name, "batch_size"): str(most)} if largest and most else {}
    try:
        return limits_of(cls.name, Environment(chosen, keyring=False))
    except SettingsError:
        return None


def _capabilities(cls: type[Provider]) -> dict[str, str]:
    can: dict[str, str] = {}
    for name in _FEATURES:
        feature = Feature(name)
        can[name] = (
            "yes" if feature in cls.features else "if configured" if feature in cls.configurable else "no"
        )
    if Feature.RECEIPTS_BY_QUERY in cls.features:
        can["receipts"] = "one by one"
    if Feature.RECORDS in cls.features and not cls.records_prove_absence:
        can["records"] = "accepted only"
    return can


# -- the table -----------------------------------------------------------------------


def plain(rows: Sequence[Overview]) -> str:
    """The table for a terminal."""
    import pandas as pd

    columns = ("name", "provider", "equal", "different", *_FEATURES)
    frame = pd.DataFrame([list(_cells(row)) for row in rows], columns=columns)
    needs = (f"  {row.name}: {', '.join(row.credentials + row.optional_credentials)}" for row in rows)
    return "\n".join(
        (
            frame.to_string(index=False),
            "\nequal, different: people in one request with equal values, or with values of their own",
            "records: what settles unknowns",
            "settings each one needs or may need:",
            *needs,
        )
    )


def markdown(rows: Iterable[Overview]) -> str:
    """The table for the README."""
    head = ("name", "provider", "people a request: equal values", "different", *_FEATURES, "needs")
    return _table(head, ((f"`{row.name}`", *list(_cells(row))[1:], _needs(row)) for row in rows))


def _cells(row: Overview) -> Iterator[str]:
    yield row.name
    yield row.title
    yield _people(row.same, row.most_same)
    yield _people(row.different, row.most_different)
    for name in _FEATURES:
        yield str(getattr(row, name))


def _needs(row: Overview) -> str:
    optional = ", ".join(f"`{name}`" for name in row.optional_credentials)
    needed = ", ".join(f"`{name}`" for name in row.credentials)
    return f"{needed} (may need {optional})" if optional else needed


def _people(usual: int | None, most: int | None) -> str:
    """How many people in words: by default, and at most where that is more."""
    if usual is None:
        return "as configured"
    return str(usual) if most in (usual, None) else f"{usual} (up to {most})"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# -- a page --------------------------------------------------------------------------


def page(name: str) -> str:
    """All that a provider declares, for somebody who is no engineer."""
    cls = provider_class(name)
    sections = [
        f"# {cls.title}\n\n<!-- Made by `{_COMMAND}` from what the provider declares. -->",
        f"Parameter `provider: {name}`." + (f" Console: <{cls.console_url}>" if cls.console_url else ""),
        _section("What to obtain 需要准备", _numbered(cls.console_steps)),
        _section("Settings 设置", _settings(cls)),
        _section("How many at once 限额", _limits_table(cls)),
        _section("What it can do 能力", _capability_table(cls)),
        _section("Templates 模板", _templates(cls)),
        _section("Codes 状态码", _codes(cls)),
        _section("Codes in receipts 状态报告", _delivery(cls)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _numbered(steps: Iterable[str]) -> str:
    return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))


def _settings(cls: type[Provider]) -> str:
    comments = _comments(cls.Settings)
    needed = cls.required_settings()
    rows = []
    for name, field in sorted(cls.Settings.model_fields.items(), key=lambda item: item[0] not in needed):
        default = "**needed**" if name in needed else _default(field)
        said = comments.get(name, _KEY if name in cls.Settings.secret_fields() else "")
        rows.append((f"`{variable_of(cls.name, name)}`", default, said))
    where = (
        "In the environment or in a `.env` file beside the notebook; credentials also in the OS keyring "
        "(service `smskit`). Never in parameters."
    )
    return f"{where}\n\n{_table(('variable', 'default', 'meaning'), rows)}"


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    shown = "not set" if value in ("", None) else f"`{_plain(value)}`"
    if get_origin(field.annotation) is Literal:
        shown += " of " + ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
    bounds = _bounds(field)
    if "ge" in bounds and "le" in bounds:
        shown += f" ({_plain(bounds['ge'])} to {_plain(bounds['le'])})"
    return shown


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _bounds(field: FieldInfo) -> dict[str, Any]:
    return {
        side: getattr(mark, side) for mark in field.metadata for side in ("ge", "le") if hasattr(mark, side)
    }


def _comments(model: type[ProviderSettings]) -> dict[str, str]:
    """What the comments in the settings class and its bases say of each field: above it, or behind it."""
    found = dict(_COMMON)
    for cls in reversed(model.__mro__):
        if issubclass(cls, ProviderSettings) and cls is not ProviderSettings:
            found |= _comments_in(inspect.getsource(cls))
    return found


def _comments_in(source: str) -> Iterator[tuple[str, str]]:
    above: list[str] = []
    for line in map(str.strip, source.splitlines()):
        if line.startswith("#"):
            above.append(line.lstrip("# "))
            continue
        if declared := re.match(r"(\w+): ", line):
            said = " ".join(above) or line.partition("  # ")[2]
            if said:
                yield declared[1], said
        above = []


def _limits_table(cls: type[Provider]) -> str:
    limits, row = _limits(cls), _overview(cls)
    if limits is None:
        return "The configuration file says: `batching` and `limits`, see [own_ssp.md](../own_ssp.md)."
    longest = f"{limits.value_units} characters" if limits.value_units else "not stated"
    lines = [
        ("people in one request who all get the same values", _people(row.same, row.most_same)),
        ("people in one request with values of their own", _people(row.different, row.most_different)),
        ("longest message, signature included", f"{limits.text_units} characters"),
        ("longest value of a variable", longest),
    ]
    if limits.unfit_value:
        lines.append(
            ("a value that cannot be sent", limits.unfit_words or f"what matches `{limits.unfit_value}`")
        )
    billed = "Billed parts 计费条: up to 70 characters are one, longer messages one for every 67."
    left_out = "Whoever's message or value does not fit is left out of the plan, with the reason."
    return f"{_table(('what', 'most'), lines)}\n\n{left_out} {billed}"


def _capability_table(cls: type[Provider]) -> str:
    can = _capabilities(cls)
    rows = ((label, _HOW.get(can[name], can[name]), _MEANING[name]) for name, label in _FEATURES.items())
    return _table(("what", "there", "what for"), rows)


def _templates(cls: type[Provider]) -> str:
    example = Template.parse("您好{name}，您有{count}张券待使用", signature="签名")
    written = example.write(cls.form, with_signature=cls.signature_in_template)
    words = f"`{example.text}` is written `{written}` there; smskit understands both."
    if cls.form is Form.BRACES:
        words = f"Variables are written as in `{example.text}`."
    words += f"\n\n{_opt_out(cls.opt_out)}"
    if not cls.template_rules:
        return f"{words}\n\nIt declares no rules."
    rows = (
        (
            rule.words,
            str(rule.message_class or "all"),
            "refused" if rule.severe else "may pass",
            rule.source,
        )
        for rule in cls.template_rules
    )
    asked = "`smskit doctor campaign.yaml` tells which of these rules a template breaks."
    return f"{words}\n\n{asked}\n\n{_table(('rule', 'messages', 'when broken', 'source'), rows)}"


def _opt_out(rule: OptOutRule) -> str:
    takes = " or ".join(f"`{text}`" for text in rule.taken)
    what = f"taken: {takes} as the last words" if takes else "taken: any usual wording"
    place = _PLACES[rule.place].format(rule.wording)
    return (
        f"Opt-out wording 退订方式 of marketing messages: {place}; {what}. "
        f"Source, read on {rule.read_on}: {rule.source}."
    )


def _codes(cls: type[Provider]) -> str:
    tables = {title: table for title, table in cls.code_tables().items() if table}
    if not tables:
        return "The configuration file says: `codes` and `statuses`. A code that is not in it is unknown."
    unknown = "A code that is not here is unknown: nobody is sent the message again by itself."
    return unknown + "".join(f"\n\n{_code_table(title, table)}" for title, table in tables.items())


def _code_table(title: str, table: Mapping[str, Code]) -> str:
    head = ("code", "meaning", "what smskit does", "next step")
    rows = ((f"`{key}`", code.meaning, _does(code), code.next_step) for key, code in table.items())
    return (f"### {title[:1].upper()}{title[1:]}\n\n" if title else "") + _table(head, rows)


def _does(code: Code) -> str:
    """What the engine makes of a code, in words."""
    patience, after = Patience(), code.retry_after_s or 1.0
    match code.kind:
        case CodeClass.ACCEPTED:
            return "counts the person as accepted"
        case CodeClass.REFUSED if code.about is About.NUMBER:
            return "refuses this person, goes on with the others"
        case CodeClass.REFUSED:
            return f"refuses the message; pauses after {patience.refused_in_a_row} in a row"
        case CodeClass.LATER if after > patience.longest_deferral_s:
            return f"refuses this person: the limit lasts {_duration(after)}, too long to wait"
        case CodeClass.LATER:
            return f"tries this person again after {_duration(after)}"
        case CodeClass.RETRY:
            return "nobody was messaged: slows down and tries again"
        case CodeClass.ACCOUNT:
            return "pauses the campaign; who is left keeps waiting"
        case _:
            return "unknown: does not send again; `smskit receipts` settles it"


def _duration(seconds: float) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def _delivery(cls: type[Provider]) -> str:
    if not cls.delivery:
        return ""
    rows = ((f"`{code}`", meaning) for code, meaning in cls.delivery.items())
    return f"Others are the carriers' own.\n\n{_table(('code', 'meaning'), rows)}"


# -- files ---------------------------------------------------------------------------


def files(root: Path) -> dict[Path, str]:
    """
    Every file that is made from declarations, as it should read.

    Args:
        root: The checkout.

    Raises:
        SmskitError: the README has lost its markers.
    """
    names = builtin_names()
    readme = root / "README.md"
    before, start, rest = readme.read_text("utf-8").partition(_START)
    _, end, after = rest.partition(_END)
    if not (start and end):
        raise SmskitError(f"{readme} needs the lines {_START} and {_END}; the table goes between them")
    texts = {root / "docs" / "providers" / f"{name}.md": page(name) for name in names}
    return {readme: f"{before}{start}\n\n{markdown(overview(names))}\n\n{end}{after}", **texts}


if __name__ == "__main__":
    for path, text in files(project_root(Path.cwd()) or Path.cwd()).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(path)
