"""
What to obtain, and the form for it.

A key that was typed is taken out of its field at once and kept in this process
until it is saved: a field's value is part of the notebook's widget state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as w
import pandas as pd
from pydantic import SecretStr

from smskit.i18n import Language, mark
from smskit.notebook.accounts import PLACES, AccountStatus, SettingValue
from smskit.notebook.connect import ConnectNotebook
from smskit.notebook.panels.fold import Fold
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import card, frame_table, html, names, notice, row, title
from smskit.providers import provider_class
from smskit.providers.credentials import Store, Written, keyring_problem
from smskit.workspace import Workspace

__all__ = ["LABELS", "CredentialsPanel", "in_fields"]

LABELS = {
    "api_key": mark("API key"),
    "access_key_id": mark("AccessKey ID"),
    "access_key_secret": mark("AccessKey Secret"),
    "security_token": mark("STS token"),
    "secret_id": mark("SecretId"),
    "secret_key": mark("SecretKey"),
    "app_id": mark("SDKAppID"),
    "account": mark("API account"),
    "password": mark("API password"),
    "base_url": mark("Address"),
    "timeout_s": mark("Time-out, s"),
    "connect_timeout_s": mark("Connect time-out, s"),
    "requests_per_second": mark("Requests per second"),
    "concurrency": mark("Concurrent requests"),
    "batch_size": mark("People per request"),
    "plain_http": mark("Addresses in the clear"),
    "exclusive": mark("Account of our own"),
    "record_lag_s": mark("Records late by, s"),
    "text_units": mark("Longest text"),
    "multi_send": mark("Different texts in one request"),
    "signature_version": mark("Request signature"),
    "extend_code": mark("Extension code"),
    "tpl_base_url": mark("Address of v2"),
    "family": mark("Interface"),
    "auth": mark("Proof of v2"),
    "replace_separators": mark("Replace separators"),
    "encode_msg": mark("Encode the text"),
    "encode_variable_msg": mark("Encode different texts"),
    "region": mark("Region"),
    "parameter_length": mark("Longest value"),
    "postpaid": mark("Billed afterwards"),
    "config": mark("Description of the gateway"),
}
_STYLE = {"description_width": "200px"}


class CredentialsPanel(Panel):
    """
    The account of the chosen provider.

    Args:
        changed: Called when something was saved or deleted.
    """

    def __init__(self, page: Page, notebook: ConnectNotebook, *, changed: Callable[[], None]) -> None:
        super().__init__(page)
        self.notebook, self._changed = notebook, changed
        self._typed: dict[str, SecretStr] = {}  # of secret fields
        self._edited: dict[str, str] = {}  # of the others
        self._for = ""  # the provider these belong to
        self._asking = False  # whether to delete
        self._open = False
        self.store = Store.DOTENV if keyring_problem(page.environment()) else Store.KEYRING

    def build(self) -> Sequence[w.Widget]:
        t, cls = self.t, self.notebook.cls
        if self._for != cls.name:
            self._typed, self._edited, self._for, self._asking = {}, {}, cls.name, False
        given = self.notebook.form()
        if not Workspace.here().may_set_up:
            return [card(title(t("Credentials"), t(_OPERATORS)), html(self._as_table(given)))]
        account = [self._line(each) for each in given if each.setting.identifies]
        more = [self._line(each) for each in given if not each.setting.identifies]
        folded = Fold(
            t("More settings"),
            w.VBox(more),
            is_open=self._open,
            turned=lambda is_open: setattr(self, "_open", is_open),
        )
        return [
            card(self._steps(), title(t("Credentials"), t(_KEPT)), *account, folded.widget, *self._buttons())
        ]

    def _as_table(self, form: Sequence[SettingValue]) -> str:
        """Which keys are set, for whom may not set them; no value of a key."""
        t = self.t
        asked = [given for given in form if given.setting.identifies]
        rows = [(_label_of(g.setting.name, t), t("is set") if g.source else t("not set")) for g in asked]
        table = frame_table(pd.DataFrame(rows, columns=[t("setting"), t("state")]), label=t("Credentials"))
        missing = any(given.setting.required and not given.source for given in asked)
        words = t("Ask whoever runs the app to set what is missing. The simulator needs none of it.")
        return table + (notice(words, "warn") if missing else "")

    def _steps(self) -> w.HTML:
        t, cls = self.t, self.notebook.cls
        steps = (in_fields(t.render(step), cls.name, t) for step in cls.console_steps)
        items = "".join(f"<li>{names(step)}</li>" for step in steps)
        url = escape(cls.console_url, quote=True)
        link = f'<a href="{url}" target="_blank" rel="noopener">{url}</a>' if url else ""
        console = f"<p>{escape(t('Console'))}{escape(t(': '))}{link}</p>" if link else ""
        guide = f"<h3>{escape(t('What to obtain from {provider}', provider=cls.title))}</h3>"
        return html(f'{guide}{console}<ol class="smskit-steps">{items}</ol>')

    # -- fields ------------------------------------------------------------------------

    def _line(self, given: SettingValue) -> w.HBox:
        beside = _beside_field(self._hint_of(given))
        made = self._secret(given, beside) if given.setting.secret else self._plain(given)
        return row(made, beside)

    def _hint_of(self, given: SettingValue) -> str:
        setting, t = given.setting, self.t
        where = t("typed, not saved yet") if setting.name in self._typed else t(PLACES[given.source])
        kind = "warn" if setting.required and not given.source else ""
        place = f'<span class="smskit-where {kind}">{escape(where)}</span>'
        return f'{place} <span class="smskit-soft">{names(t.render(setting.help))}</span>'

    def _secret(self, given: SettingValue, beside: w.HTML) -> w.Password:
        name = given.setting.name
        made = w.Password(
            description=self._label(given),
            placeholder=self._hint(given),
            continuous_update=False,
            style=_STYLE,
            layout=w.Layout(width="460px"),
        )

        def take(change: dict[str, Any]) -> None:
            if change["new"]:
                self._typed[name] = SecretStr(change["new"])
                # Changed in place: drawn anew, the field somebody types in next would be gone.
                made.value, made.placeholder, beside.value = "", self._hint(given), self._hint_of(given)

        made.observe(take, "value")
        return made

    def _hint(self, given: SettingValue) -> str:
        known = given.source or given.setting.name in self._typed
        return self.t("leave empty to keep it") if known else self.t("paste it here")

    def _plain(self, given: SettingValue) -> w.Widget:
        setting = given.setting
        value = self._edited.get(setting.name, given.shown)
        options: dict[str, Any] = {"style": _STYLE, "layout": w.Layout(width="460px")}
        if setting.kind == "choice":
            default = self.t("default: {value}", value=setting.default or self.t("not set"))
            choices = [(default, ""), *((c, c) for c in setting.choices)]
            made = w.Dropdown(
                description=self._label(given),
                options=choices,
                value=value if value in setting.choices else "",
                **options,
            )
        else:
            made = w.Text(
                description=self._label(given),
                value=value,
                placeholder=setting.default,
                continuous_update=False,
                **options,
            )
        made.observe(lambda change: self._edited.update({setting.name: change["new"]}), "value")
        return made

    def _label(self, given: SettingValue) -> str:
        label = _label_of(given.setting.name, self.t)
        return f"{label} *" if given.setting.required else label

    # -- buttons -----------------------------------------------------------------------

    def _buttons(self) -> list[w.Widget]:
        t = self.t
        places = [
            (t("File .env of the project"), Store.DOTENV),
            (t("Keyring of this computer"), Store.KEYRING),
        ]
        where = w.RadioButtons(
            description=t("Keep keys in"),
            options=places,
            value=self.store,
            style=_STYLE,
            layout=w.Layout(width="auto"),
        )
        where.observe(lambda change: self._keep_in(change["new"]), "value")
        save = self.button(t("Save"), self.save, style="primary")
        problem = keyring_problem(self.page.environment())
        hint = _beside_field(
            f'<span class="smskit-soft">{escape(t.render(problem))}</span>' if problem else ""
        )
        hint.layout.align_self = "flex-end"  # beside the keyring, which is the last of the places
        return [row(where, hint), row(save, *self._deleting())]

    def _deleting(self) -> list[w.Button]:
        t = self.t
        if self.notebook.account.status is AccountStatus.ABSENT:
            return []
        if not self._asking:
            return [self.button(t("Delete"), lambda: self._ask(True))]
        yes = self.button(t("Delete it from this computer"), self.delete, style="danger")
        return [yes, self.button(t("Keep it"), lambda: self._ask(False))]

    def _ask(self, asking: bool) -> None:
        self._asking = asking
        self.draw()

    def _keep_in(self, store: Store) -> None:
        self.store = store

    def save(self) -> None:
        """Keep what was typed, where the person chose."""
        typed = {name: secret.get_secret_value() for name, secret in self._typed.items()}
        written = self.notebook.keep(self._edited | typed, self.store)
        self._typed, self._edited = {}, {}
        self.draw()
        self._changed()
        self.tell(lambda t: _saved(written, t), "warn" if written.exposed or written.hidden else "ok")

    def delete(self) -> None:
        """Take everything saved for this provider out of this computer."""
        left = self.notebook.forget()
        self._typed, self._edited, self._asking = {}, {}, False
        self.draw()
        self._changed()
        self.tell(lambda t: " ".join([t("Deleted."), *_hidden(left, t)]), "warn" if left else "ok")


_OPERATORS = mark("Whoever runs the app sets them; you can check below whether they work.")
_KEPT = mark(
    "Keys go into the place you choose below, and into no notebook. A typed key leaves its field at once."
)


def _label_of(name: str, t: Language) -> str:
    return t(LABELS[name]) if name in LABELS else name.replace("_", " ")


def in_fields(text: str, provider: str, t: Language) -> str:
    """A sentence that calls settings as the form does; visitors of the app, who have none, see variables."""
    if not Workspace.here().may_set_up:
        return text
    labels = {name.upper(): _label_of(name, t) for name in provider_class(provider).Settings.model_fields}
    # Said in short, too: "SMSKIT_TENCENT_SECRET_ID and _SECRET_KEY".
    longest_first = "|".join(sorted(labels, key=len, reverse=True))
    pattern = rf"`?(?<![A-Z_])(?:SMSKIT_{provider.upper()})?_({longest_first})(?![A-Z_])`?"
    return re.sub(pattern, lambda found: f"“{labels[found[1]]}”", text)


def _beside_field(text: str) -> w.HTML:
    made = html(text)
    made.layout = w.Layout(flex="1 1 120px", min_width="100px")
    return made


def _saved(written: Written, t: Language) -> str:
    lines = [t("Saved. Now click {check}.", check=t("Check"))]
    if written.exposed:
        lines += [t("Git would take {file} into a commit: add it to .gitignore.", file=written.file)]
    return "\n".join([*lines, *_hidden(written.hidden, t)])


def _hidden(variables: Sequence[str], t: Language) -> list[str]:
    known = ", ".join(variables)
    return [t("{names} are set in the environment, which comes first.", names=known)] if variables else []
