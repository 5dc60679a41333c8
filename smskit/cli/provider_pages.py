"""
What providers declare, as people read it: the table of providers, and a page about each in both languages.

Read from declarations alone, without any credential or request.
``python -m smskit.cli.provider_pages`` writes the tables of docs/reference.md, docs/providers and
docs/zh/providers anew; a test says when that was forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from smskit.errors import SettingsError, SmskitError
from smskit.i18n import Language, mark
from smskit.message.opt_out import Place
from smskit.message.template import Form, Template
from smskit.models import Code, CodeClass, MessageClass
from smskit.planning import schema
from smskit.providers import Feature, Limits, Provider, provider_class, provider_names
from smskit.providers.declared import Setting, settings_of
from smskit.reporting.filling import templates_in
from smskit.sending.patience import Patience
from smskit.sending.rehearsal import limits_of
from smskit.settings import Environment, variable_of
from smskit.settings.places import project_root

if TYPE_CHECKING:
    from jinja2 import Template as Markdown

__all__ = ["Overview", "builtin_names", "files", "markdown", "overview", "page", "plain"]

_COMMAND = "python -m smskit.cli.provider_pages"
# Where the pages lie, by language.
PLACES = {"en": Path("docs/providers"), "zh": Path("docs/zh/providers")}

_PLACES = {
    Place.TEXT: mark(
        "part of the text (of the approved template where a template id is given); "
        "`opt_out_wording: add` appends `{wording}`"
    ),
    Place.TEMPLATE: mark("part of the approved template; smskit cannot add it"),
    Place.PROVIDER: mark("the provider appends it itself, and its length is counted"),
}
_CLASSES = {
    None: mark("all"),
    MessageClass.MARKETING: mark("marketing"),
    MessageClass.NOTIFICATION: mark("notification"),
}

# Of each capability its name, and what it is good for.
_CAPABILITIES = {
    "receipts": (
        mark("receipts 状态报告"),
        mark("`smskit receipts` learns who got the message, and why others did not"),
    ),
    "replies": (
        mark("replies 上行"),
        mark("`smskit receipts` fetches what people answer; who answers 退订 is not messaged again"),
    ),
    "records": (
        mark("records 发送记录"),
        mark("what became of a message without an answer can be asked; that settles unknowns"),
    ),
    "balance": (mark("balance 余额"), mark("`smskit check` shows what is left")),
    "templates": (
        mark("templates 模板"),
        mark("`smskit check` compares the approved text; a campaign may leave `template` empty"),
    ),
    "signatures": (
        mark("signatures 签名"),
        mark("`smskit check` sees whether the signature is approved"),
    ),
}
_HOW = {
    "yes": mark("yes"),
    "no": mark("no"),
    "one by one": mark("yes, asked for one message after the other"),
    "accepted only": mark("accepted ones only: what is not found stays unknown, for a person to decide"),
    "if configured": mark("where the configuration file describes it"),
}


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
    size = next(s for s in settings_of(cls) if s.name == "batch_size")
    chosen = {size.variable: str(size.most)} if largest and size.most else {}
    try:
        return limits_of(cls.name, Environment(chosen, keyring=False))
    except SettingsError:
        return None


def _capabilities(cls: type[Provider]) -> dict[str, str]:
    can = {
        name: "yes" if name in cls.features else "if configured" if name in cls.configurable else "no"
        for name in map(Feature, _CAPABILITIES)
    }
    if Feature.RECEIPTS_BY_QUERY in cls.features:
        can[Feature.RECEIPTS] = "one by one"
    if Feature.RECORDS in cls.features and not cls.records_prove_absence:
        can[Feature.RECORDS] = "accepted only"
    return {feature.value: how for feature, how in can.items()}


# -- the table -----------------------------------------------------------------------


def plain(rows: Sequence[Overview]) -> str:
    """The table for a terminal."""
    import pandas as pd

    columns = ("name", "provider", "equal", "different", *_CAPABILITIES)
    frame = pd.DataFrame(map(_cells, rows), columns=columns)
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
    """The table for docs/reference.md."""
    head = ("name", "provider", "people a request: equal values", "different", *_CAPABILITIES, "needs")
    lines = [head, ["---"] * len(head), *((f"`{row.name}`", *_cells(row)[1:], _needs(row)) for row in rows)]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cells(row: Overview) -> list[str]:
    people = _people(row.same, row.most_same), _people(row.different, row.most_different)
    return [row.name, row.title, *people, *(getattr(row, name) for name in _CAPABILITIES)]


def _needs(row: Overview) -> str:
    optional = ", ".join(f"`{name}`" for name in row.optional_credentials)
    needed = ", ".join(f"`{name}`" for name in row.credentials)
    return f"{needed} (may need {optional})" if optional else needed


def _people(usual: int | None, most: int | None) -> str:
    """How many people in words: by default, and at most where that is more."""
    if usual is None:
        return "as configured"
    return str(usual) if most in (usual, None) else f"{usual} (up to {most})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# -- a page --------------------------------------------------------------------------


def page(name: str, language: str = "en") -> str:
    """All that a provider declares, for somebody who is no engineer, in one language."""
    cls, t = provider_class(name), Language(language)
    example = Template.parse("您好{name}，您有{count}张券待使用", signature="签名")
    texts = t(" or ").join(f"`{text}`" for text in cls.opt_out.taken)

    def people(usual: int | None, most: int | None) -> str:
        shown = _people(usual, most)
        return shown if t.code == "en" else shown.replace("up to", "最多")

    def meaning(code: Code) -> str:
        # In English with the provider's own words behind it, as its console and support use them.
        return code.meaning if t.code == "zh" else f"{code.meaning_en} {code.meaning}".strip()

    return _template().render(
        cls=cls,
        t=t,
        command=_COMMAND,
        settings=settings_of(cls),
        default=lambda setting: _default(setting, t),
        limits=_limits(cls),
        own_ssp="[own_ssp.md](../own_ssp.md)" if t.code == "en" else "[own_ssp.md](../../own_ssp.md)",
        row=_overview(cls),
        people=people,
        can=_capabilities(cls),
        capabilities=_CAPABILITIES,
        how=_HOW,
        braces=cls.form is Form.BRACES,
        example=example,
        written=example.write(cls.form, with_signature=cls.signature_in_template),
        place=t(_PLACES[cls.opt_out.place], wording=cls.opt_out.wording),
        taken=t("taken: {texts} as the last words", texts=texts) if texts else t("taken: any usual wording"),
        classes=_CLASSES,
        code_tables=[(title, table) for title, table in cls.code_tables().items() if table],
        meaning=meaning,
        does=_does,
    )


@cache
def _template() -> Markdown:
    environment = templates_in(Path(__file__).parent / "templates", escaped=False)
    environment.filters["cell"] = _cell
    return environment.get_template("provider.md")


def _default(setting: Setting, t: Language) -> str:
    if setting.required:
        return f"**{t('needed')}**"
    shown = f"`{setting.default}`" if setting.default else t("not set")
    if setting.kind == "choice" and setting.choices != ("true", "false"):
        shown += t(" of {choices}", choices=", ".join(f"`{choice}`" for choice in setting.choices))
    if setting.least is not None and setting.most is not None:
        shown += t(" ({least} to {most})", least=f"{setting.least:g}", most=f"{setting.most:g}")
    return shown


def _does(code: Code, t: Language) -> str:
    """What the engine makes of a code, in words."""
    patience, after = Patience(), code.retry_after_s or 1.0
    match code.kind:
        case CodeClass.ACCEPTED:
            return t("counts the person as accepted")
        case CodeClass.REFUSED if code.about.is_one_number:
            return t("refuses this person, goes on with the others")
        case CodeClass.REFUSED:
            return t("refuses the message; pauses after {n} in a row", n=patience.refused_in_a_row)
        case CodeClass.LATER if after > patience.longest_deferral_s:
            told = mark("keeps this person waiting for a run after {time}, and goes on with the others")
            return t(told, time=_duration(after, t))
        case CodeClass.LATER:
            told = mark("tries this person again after {time}; pauses after {n} such people in a row")
            return t(told, time=_duration(after, t), n=patience.limited_in_a_row)
        case CodeClass.RETRY:
            told = mark(
                "nobody was messaged: slows down and tries again; pauses after {n} requests in a row, about "
                "different people"
            )
            return t(told, n=patience.failures_in_a_row)
        case CodeClass.ACCOUNT:
            return t("pauses the campaign; who is left keeps waiting")
        case _:
            return t("unknown: does not send again; `smskit receipts` settles it")


def _duration(seconds: float, t: Language) -> str:
    for length, words in ((3600, mark("{n} h")), (60, mark("{n} min"))):
        if seconds >= length and seconds % length == 0:
            return t(words, n=f"{seconds / length:g}")
    return t("{n} s", n=f"{seconds:g}")


# -- files ---------------------------------------------------------------------------


def files(root: Path) -> dict[Path, str]:
    """
    Every file that is made from declarations, as it should read.

    Args:
        root: The checkout.

    Raises:
        SmskitError: the reference has lost its markers.
    """
    names = builtin_names()
    reference = root / "docs" / "reference.md"
    tables = {"parameters": schema.markdown().rstrip("\n"), "providers": markdown(overview(names))}
    text = reference.read_text("utf-8")
    for name, table in tables.items():
        text = _replaced(text, name, table, reference)
    pages = {
        root / place / f"{name}.md": page(name, code) for code, place in PLACES.items() for name in names
    }
    return {reference: text, **pages}


def _replaced(text: str, name: str, table: str, file: Path) -> str:
    """*text* with *table* between the marks ``<!-- name -->`` and ``<!-- /name -->``."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SmskitError(
            "{file} needs the lines {start} and {end}; the table goes between them",
            file=file,
            start=start,
            end=end,
        )
    return f"{before}{start}\n\n{table}\n\n{end}{after}"


if __name__ == "__main__":
    for path, text in files(project_root(Path.cwd()) or Path.cwd()).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(path)
