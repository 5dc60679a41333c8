"""
Notebook 01: how far providers are set up, credentials, check, what is offered; as plain steps and a panel.

Shows and asks, decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from smskit.errors import NotUsable, SettingsError, needs_extra
from smskit.i18n import Joined, Language, Message, mark, quote
from smskit.models import CheckResult, Offer
from smskit.notebook.accounts import PLACES, Account, AccountStatus, Offered, remarks
from smskit.notebook.base import PARAMETER_FILE, Base, draft_of, step
from smskit.notebook.connector import Connector
from smskit.notebook.display import findings_table
from smskit.notebook.host import Host, host_of
from smskit.notebook.mistakes import opens
from smskit.planning.draft import Draft
from smskit.providers import provider_class
from smskit.providers.credentials import Store
from smskit.settings import Environment

if TYPE_CHECKING:
    from smskit.notebook.panels.connect import ConnectPanel

__all__ = ["ConnectNotebook", "open_connect"]


@opens
def open_connect(namespace: Mapping[str, Any]) -> ConnectNotebook:
    """
    Start notebook 01 from its parameters; the first call after the parameters cell.

    Args:
        namespace: ``globals()`` of the notebook.

    Raises:
        SpecError: a parameter or the provider is unknown, or a parameter out of range.
    """
    host = host_of()
    draft = draft_of(namespace, host)
    provider_class(draft["provider"])  # else a panel would have nothing to show
    return ConnectNotebook(draft, host=host)


class ConnectNotebook(Base):
    """Providers, one of which is being connected."""

    def __init__(self, draft: Draft, *, host: Host | None = None) -> None:
        super().__init__(draft, host=host)
        self.connector = Connector(draft)

    @needs_extra("notebook")
    def panel(self) -> ConnectPanel:
        """All of this to click."""
        self.panel_shown = True
        from smskit.notebook.panels.connect import ConnectPanel

        return ConnectPanel(self.page, self.connector)

    # -- plain steps -------------------------------------------------------------------

    @step
    def providers(self) -> None:
        """Show how far every provider is set up, and what it said when it was last asked; asks nobody."""
        accounts = self.connector.accounts()

        def table(t: Language) -> pd.DataFrame:
            rows = [(a.name, a.title, t(a.status), _when(a), _answer(a, t)) for a in accounts]
            columns = ["provider", t("Provider"), t("state"), t("last checked"), t("what it said")]
            return pd.DataFrame(rows, columns=columns)

        self.show_frame(table)
        for remark in remarks(Environment()):
            self.repeat(remark)

    @step
    def steps(self) -> None:
        """Show what to obtain from the provider's console, and where that is."""
        cls = self.connector.cls
        told = mark("What to obtain from {provider}")
        self.say(lambda t: f"{t(told, provider=cls.title)} {cls.console_url}".strip())
        self.show_frame(lambda t: pd.DataFrame({t("step"): [t.render(step) for step in cls.console_steps]}))

    @step
    def settings(self) -> None:
        """Show the provider's settings and where each comes from; no value of a key."""
        form = self.connector.form()

        def table(t: Language) -> pd.DataFrame:
            rows = [
                (
                    given.setting.variable,
                    t("needed") if given.setting.required else given.setting.default,
                    t(PLACES[given.source]),
                    t.render(given.setting.help),
                )
                for given in form
            ]
            return pd.DataFrame(rows, columns=[t("variable"), t("default"), t("where from"), t("meaning")])

        self.show_frame(table)

    def enter(self, store: str = "dotenv", **settings: str) -> None:
        """
        Ask for the provider's keys without any widget, and save them; what is typed shows nowhere.

        Args:
            store: ``dotenv`` or ``keyring``.
            settings: Others, such as ``concurrency="4"``; never a key, which would stand in the notebook.

        Raises:
            SettingsError: nobody is there to be asked, a key was given here, or something cannot be saved.
        """
        from getpass import getpass

        secrets = self.connector.cls.Settings.secret_fields()
        if given := sorted(settings.keys() & set(secrets)):
            words = mark("`{name}` is a key: it is asked for, and never written into a notebook")
            raise SettingsError(Message(words, name=given[0]))
        if not self.host.is_person:
            raise SettingsError(
                Message("nobody is here to be asked for keys; put them into the environment or .env")
            )
        self.say("Leave empty to keep what is there.")
        typed = {s.name: getpass(f"{s.variable}: ") for g in self.connector.form() if (s := g.setting).secret}
        written = self.connector.save(
            settings | {name: value for name, value in typed.items() if value}, Store(store)
        )
        self.say(lambda t: t("Saved. Now click {check}.", check=t("Check")))
        if written.exposed:
            self.say("Git would take {file} into a commit: add it to .gitignore.", file=written.file)

    def forget(self) -> None:
        """Delete what is saved for the provider on this computer."""
        self.connector.forget()
        self.say("Deleted.")

    @step
    def check(self, *, simulator: bool | None = None) -> CheckResult:
        """
        Ask whether the provider is usable, and show its answer; sends nothing.

        Args:
            simulator: Ask the built-in simulator; None = where there is no account.

        Raises:
            SettingsError: the account is not set up, and there is no simulator for it.
        """
        if simulator is None:
            simulator = self.connector.account.status is AccountStatus.ABSENT and bool(
                self.connector.cls.rehearsal
            )
            if simulator:
                self.say("No account is set up, so the simulator is asked.")
        result = self.connector.check(simulator=simulator)
        self.show_frame(lambda t: findings_table(result, t))
        title = self.connector.cls.title

        def verdict(t: Language) -> str:
            who = t("the simulator") if simulator else title
            return f"{t('Usable') if result.usable else t('NOT usable')} ({t('according to {who}', who=who)})"

        self.say(verdict)
        return result

    @step
    def signatures(self) -> list[Offer]:
        """Show the account's signatures, and those typed in; the simulator's where there is no account."""
        return self._show_offers(self._offered().signatures)

    @step
    def templates(self) -> list[Offer]:
        """Show the account's templates, and those typed in; the simulator's where there is no account."""
        return self._show_offers(self._offered().templates)

    def _offered(self) -> Offered:
        connector = self.connector
        able = connector.cls.rehearsal or connector.account.status is not AccountStatus.ABSENT
        if connector.listed is None and able and connector.offered.listed:
            return connector.offers()
        if not connector.offered.listed:
            self.say("This provider cannot be asked for lists: copy them from its console.")
        return connector.offered

    def _show_offers(self, found: list[Offer]) -> list[Offer]:
        def state(offer: Offer) -> str:
            if not offer.review:
                return mark("typed in")
            return mark("approved") if offer.usable else mark("not approved")

        def table(t: Language) -> pd.DataFrame:
            rows = [(o.id, o.text, t(state(o))) for o in found]
            return pd.DataFrame(rows, columns=["id", t("text"), t("state")])

        self.show_frame(table)
        return found

    def use(self, *, signature: str | None = None, template_id: str | None = None) -> None:
        """
        Choose a signature, a listed template, or both; the next notebook finds them in the parameters.

        Raises:
            InputError: no such template is listed.
        """
        if signature is not None:
            self.connector.choose_signature(signature)
        if template_id is not None:
            self.connector.choose_template(self.connector.find_template(template_id))

    def save(self, path: str = PARAMETER_FILE) -> None:
        """Write what was chosen into the parameter file the next notebook starts from."""
        self.say("Saved to {path}", path=self.draft.save(path))

    @step
    def summary(self) -> None:
        """
        Show how far the provider is set up, and fail where it was asked and is not usable.

        Raises:
            NotUsable: the last check of this notebook says so.
        """
        account, result = self.connector.account, self.connector.result
        self.say(lambda t: f"{account.title}: {t(account.status)}")
        if result is not None and not result.usable:
            failed = next(f for f in result.findings if not f.ok)
            why = Joined([failed.code, quote(failed.meaning), failed.next_step], " ")
            raise NotUsable(Message("{what} is not usable: {why}", what=account.title, why=why))


def _answer(account: Account, t: Language) -> str:
    answer = account.answer
    return (
        ""
        if answer is None
        else " ".join(filter(None, (answer.code, t.said(answer.told), t.render(answer.next_step))))
    )


def _when(account: Account) -> str:
    return account.at.astimezone().strftime("%Y-%m-%d %H:%M") if account.at else ""
