"""
What providers declare, as people read it: the table of providers, and a page about each in both languages.

Read from declarations alone, without any credential or request.
``python -m smskit.cli.provider_pages`` writes the tables of docs/reference.md, docs/providers and
docs/zh/providers anew; a test says when that was forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from smskit.errors import SettingsError, SmskitError
from smskit.i18n import Language, Message, mark
from smskit.message.opt_out import OptOutRule, Place
from smskit.message.template import Form, Template
from smskit.message.windows import MarketingLimits
from smskit.models import About, Code, CodeClass, MessageClass
from smskit.planning import schema
from smskit.providers import Feature, Limits, Provider, provider_class, provider_names
from smskit.providers.declared import Setting, settings_of
from smskit.sending.engine import Patience
from smskit.sending.rehearsal import limits_of
from smskit.settings import Environment, project_root, variable_of

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
_OPT_OUT = mark(
    "Opt-out wording 退订方式 of marketing messages: {place}; {taken}. Source, read on {day}: {source}."
)
_WHERE = mark(
    "In JupyterLab open `notebooks/01_connect_provider.ipynb`, choose this provider, type what you obtained "
    "into the form, and click *Save*, then *Check*. The keys go into the keyring of your computer or into "
    "the file `.env` of the project, whichever you choose, and nowhere else."
)
_SOURCES = mark(
    "Notebook 01 writes these. They are read from the environment, from a `.env` file beside the notebook, "
    "and credentials also from the OS keyring (service `smskit`). Never from parameters."
)
_BILLED = mark(
    "Whoever's message or value does not fit is left out of the plan, with the reason. Billed parts 计费条: "
    "up to 70 characters are one, longer messages one for every 67."
)
_CLASSES = {
    None: mark("all"),
    MessageClass.MARKETING: mark("marketing"),
    MessageClass.NOTIFICATION: mark("notification"),
}

_NAMES = {
    "receipts": mark("receipts 状态报告"),
    "replies": mark("replies 上行"),
    "records": mark("records 发送记录"),
    "balance": mark("balance 余额"),
    "templates": mark("templates 模板"),
    "signatures": mark("signatures 签名"),
}
_MEANING = {
    "receipts": mark("`smskit receipts` learns who got the message, and why others did not"),
    "replies": mark("`smskit receipts` fetches what people answer; who answers 退订 is not messaged again"),
    "records": mark("what became of a message without an answer can be asked; that settles unknowns"),
    "balance": mark("`smskit check` shows what is left"),
    "templates": mark("`smskit check` compares the approved text; a campaign may leave `template` empty"),
    "signatures": mark("`smskit check` sees whether the signature is approved"),
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
    can: dict[str, str] = {}
    for name in _NAMES:
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

    columns = ("name", "provider", "equal", "different", *_NAMES)
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
    """The table for docs/reference.md."""
    head = ("name", "provider", "people a request: equal values", "different", *_NAMES, "needs")
    return _table(head, ((f"`{row.name}`", *list(_cells(row))[1:], _needs(row)) for row in rows))


def _cells(row: Overview) -> Iterator[str]:
    yield row.name
    yield row.title
    yield _people(row.same, row.most_same)
    yield _people(row.different, row.most_different)
    for name in _NAMES:
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


class _Page:
    """All that one provider declares, for somebody who is no engineer, in one language."""

    def __init__(self, cls: type[Provider], t: Language) -> None:
        self.cls, self.t = cls, t

    def text(self) -> str:
        """The page as Markdown."""
        cls, t = self.cls, self.t
        parameter = t("Parameter `provider: {name}`.", name=cls.name)
        console = f" {t('Console')}: <{cls.console_url}>" if cls.console_url else ""
        sections = [
            f"# {cls.title}\n\n<!-- Made by `{_COMMAND}` from what the provider declares. -->",
            parameter + console,
            _section(t("What to obtain 需要准备"), _numbered(t.render(step) for step in cls.console_steps)),
            _section(t("Where to enter it 填写位置"), t(_WHERE)),
            _section(t("Settings 设置"), self._settings()),
            _section(t("How many at once 限额"), self._most()),
            _section(t("What it can do 能力"), self._capabilities()),
            _section(t("Templates 模板"), self._templates()),
            _section(t("Codes 状态码"), self._codes()),
            _section(t("Codes in receipts 状态报告"), self._delivery()),
        ]
        return "\n\n".join(section for section in sections if section) + "\n"

    def _settings(self) -> str:
        t = self.t
        rows = (
            (
                f"`{setting.variable}`",
                f"**{t('needed')}**" if setting.required else self._default(setting),
                t.render(setting.help),
            )
            for setting in settings_of(self.cls)
        )
        return f"{t(_SOURCES)}\n\n{_table((t('variable'), t('default'), t('meaning')), rows)}"

    def _default(self, setting: Setting) -> str:
        t = self.t
        shown = f"`{setting.default}`" if setting.default else t("not set")
        if setting.kind == "choice" and setting.choices != ("true", "false"):
            shown += t(" of {choices}", choices=", ".join(f"`{choice}`" for choice in setting.choices))
        if setting.least is not None and setting.most is not None:
            bounds = {"least": f"{setting.least:g}", "most": f"{setting.most:g}"}
            shown += t(" ({least} to {most})", **bounds)
        return shown

    def _most(self) -> str:
        t, limits, row = self.t, _limits(self.cls), _overview(self.cls)
        if limits is None:
            link = "[own_ssp.md](../own_ssp.md)" if t.code == "en" else "[own_ssp.md](../../own_ssp.md)"
            return t("The configuration file says: `batching` and `limits`, see {link}.", link=link)
        lines = [
            (t("people in one request who all get the same values"), self._people(row.same, row.most_same)),
            (
                t("people in one request with values of their own"),
                self._people(row.different, row.most_different),
            ),
            (t("longest message, signature included"), t("{n} characters", n=limits.text_units)),
            (
                t("longest value of a variable"),
                t("{n} characters", n=limits.value_units) if limits.value_units else t("not stated"),
            ),
        ]
        if limits.unfit_value:
            unfit = t.render(limits.unfit_words) or t("what matches `{pattern}`", pattern=limits.unfit_value)
            lines.append((t("a value that cannot be sent"), unfit))
        return f"{_table((t('what'), t('most')), lines)}\n\n{t(_BILLED)}"

    def _people(self, usual: int | None, most: int | None) -> str:
        shown = _people(usual, most)
        return shown if self.t.code == "en" else shown.replace("up to", "最多")

    def _capabilities(self) -> str:
        t, can = self.t, _capabilities(self.cls)
        rows = (
            (t(label), t(_HOW.get(can[name], can[name])), t(_MEANING[name])) for name, label in _NAMES.items()
        )
        return _table((t("what"), t("there"), t("what for")), rows)

    def _templates(self) -> str:
        cls, t = self.cls, self.t
        example = Template.parse("您好{name}，您有{count}张券待使用", signature="签名")
        written = example.write(cls.form, with_signature=cls.signature_in_template)
        values = {"ours": example.text, "theirs": written}
        words = t("`{ours}` is written `{theirs}` there; smskit understands both.", **values)
        if cls.form is Form.BRACES:
            words = t("Variables are written as in `{ours}`.", ours=example.text)
        words += f"\n\n{self._opt_out(cls.opt_out)}\n\n{self._marketing(cls.marketing)}"
        if not cls.template_rules:
            return f"{words}\n\n{t('It declares no rules.')}"
        rows = (
            (
                rule.words if t.code == "en" else rule.zh,
                t(_CLASSES[rule.message_class]),
                t("refused") if rule.severe else t("may pass"),
                rule.source,
            )
            for rule in cls.template_rules
        )
        asked = t("`smskit doctor campaign.yaml` tells which of these rules a template breaks.")
        head = (t("rule"), t("which messages"), t("when broken"), t("source"))
        return f"{words}\n\n{asked}\n\n{_table(head, rows)}"

    def _opt_out(self, rule: OptOutRule) -> str:
        t = self.t
        texts = t(" or ").join(f"`{text}`" for text in rule.taken)
        taken = t("taken: {texts} as the last words", texts=texts) if texts else t("taken: any usual wording")
        values = {
            "place": t(_PLACES[rule.place], wording=rule.wording),
            "taken": taken,
            "day": rule.read_on,
            "source": t.render(rule.source),
        }
        return t(_OPT_OUT, **values)

    def _marketing(self, marketing: MarketingLimits) -> str:
        t, hours = self.t, marketing.hours
        told = [t("Hours of marketing messages: none stated.")]
        if hours is not None:
            told = [
                t(
                    "Hours of marketing messages: {hours}, kept to within a campaign's own `send_window`. "
                    "Source, read on {day}: {source}.",
                    hours=hours,
                    day=hours.read_on,
                    source=t.render(hours.source),
                )
            ]
        told += [
            t(
                "It takes at most {cap} to one phone, counted by {counts}; it refuses what exceeds that. "
                "Source, read on {day}: {source}.",
                cap=f"{one.cap.most}/{one.period}",
                counts=one.counts,
                day=one.read_on,
                source=t.render(one.source),
            )
            for one in marketing.often
        ]
        return " ".join(told)

    def _codes(self) -> str:
        tables = {title: table for title, table in self.cls.code_tables().items() if table}
        if not tables:
            return self.t(
                "The configuration file says: `codes` and `statuses`. A code that is not in it is unknown."
            )
        unknown = self.t("A code that is not here is unknown: nobody is sent the message again by itself.")
        return unknown + "".join(f"\n\n{self._table(title, table)}" for title, table in tables.items())

    def _table(self, title: str, table: Mapping[str, Code]) -> str:
        t = self.t
        head = (t("code"), t("meaning"), t("what smskit does"), t("next step"))
        rows = (
            (f"`{key}`", self._meaning(code), _does(code, t), t.render(code.next_step))
            for key, code in table.items()
        )
        return (f"### {title[:1].upper()}{title[1:]}\n\n" if title else "") + _table(head, rows)

    def _meaning(self, code: Code) -> str:
        """In English with the provider's own words behind it, as its console and support use them."""
        return code.meaning if self.t.code == "zh" else f"{code.meaning_en} {code.meaning}".strip()

    def _delivery(self) -> str:
        t, table = self.t, self.cls.receipt_codes
        if not table:
            return ""
        rows = ((f"`{key}`", self._meaning(code), t.render(code.next_step)) for key, code in table.items())
        head = (t("code"), t("meaning"), t("next step"))
        others = t("Others are the carriers' own.")
        return f"{others}\n\n{_table(head, rows)}"


def page(name: str, language: str = "en") -> str:
    """All that a provider declares, for somebody who is no engineer, in one language."""
    return _Page(provider_class(name), Language(language)).text()


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _numbered(steps: Iterable[str]) -> str:
    return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))


def _does(code: Code, t: Language) -> str:
    """What the engine makes of a code, in words."""
    patience, after = Patience(), code.retry_after_s or 1.0
    match code.kind:
        case CodeClass.ACCEPTED:
            return t("counts the person as accepted")
        case CodeClass.REFUSED if code.about is About.NUMBER:
            return t("refuses this person, goes on with the others")
        case CodeClass.REFUSED:
            return t("refuses the message; pauses after {n} in a row", n=patience.refused_in_a_row)
        case CodeClass.LATER if after > patience.longest_deferral_s:
            told = mark("refuses this person: the limit lasts {time}, too long to wait")
            return t(told, time=_duration(after, t))
        case CodeClass.LATER:
            return t("tries this person again after {time}", time=_duration(after, t))
        case CodeClass.RETRY:
            return t("nobody was messaged: slows down and tries again")
        case CodeClass.ACCOUNT:
            return t("pauses the campaign; who is left keeps waiting")
        case _:
            return t("unknown: does not send again; `smskit receipts` settles it")


def _duration(seconds: float, t: Language) -> str:
    if seconds >= 3600 and seconds % 3600 == 0:
        return t("{n} h", n=f"{seconds / 3600:g}")
    if seconds >= 60 and seconds % 60 == 0:
        return t("{n} min", n=f"{seconds / 60:g}")
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
            Message(
                "{file} needs the lines {start} and {end}; the table goes between them",
                file=file,
                start=start,
                end=end,
            )
        )
    return f"{before}{start}\n\n{table}\n\n{end}{after}"


if __name__ == "__main__":
    for path, text in files(project_root(Path.cwd()) or Path.cwd()).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(path)
