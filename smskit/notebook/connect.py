"""
Notebook 01: how far providers are set up, credentials, check, what is offered; as plain steps and a panel.

One person connecting providers: holds what was answered last; what is decided lies in ``accounts``, what
is chosen in the draft.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import pandas as pd

from smskit.errors import InputError, NotUsable, SettingsError, TemplateError, needs_extra
from smskit.i18n import Joined, Language, Message, mark, quote
from smskit.ledger import Action, Ledger
from smskit.ledger.opening import open_ledger
from smskit.models import TIMEZONE, CheckResult, MessageClass, Mode, Offer, amount
from smskit.notebook import accounts
from smskit.notebook.accounts import (
    PLACES,
    Account,
    AccountStatus,
    CheckScope,
    Offered,
    SettingValue,
    remarks,
)
from smskit.notebook.base import PARAMETER_FILE, Base, draft_of, step
from smskit.notebook.display import findings_table
from smskit.notebook.host import Host, host_of
from smskit.notebook.mistakes import opens
from smskit.planning.draft import Draft, ProviderChange
from smskit.providers import Provider, provider_class, provider_names
from smskit.providers.credentials import Store, Written
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
    """
    Providers, one of which is being connected: what cells call, and what its panel clicks.

    Args:
        draft: Takes the chosen provider, signature and template.
        environment: Makes a fresh look at settings, since this saves some.
    """

    def __init__(
        self,
        draft: Draft,
        *,
        host: Host | None = None,
        environment: Callable[[], Environment] = Environment,
    ) -> None:
        super().__init__(draft, host=host)
        self._environment = environment
        self.result: CheckResult | None = None  # what was answered last
        self.by_simulator = False  # the result is the simulator's
        self.listed: Offered | None = None
        draft.on_change(self._changed)

    @needs_extra("notebook")
    def panel(self) -> ConnectPanel:
        """All of this to click."""
        self.panel_shown = True
        from smskit.notebook.panels.connect import ConnectPanel

        return ConnectPanel(self.page, self)

    @property
    def provider(self) -> str:
        """The chosen provider's name."""
        return str(self.draft["provider"])

    @property
    def cls(self) -> type[Provider]:
        """Its class."""
        return provider_class(self.provider)

    @property
    def ledger(self) -> Ledger:
        """Where answers are remembered."""
        return open_ledger(self._environment())

    @staticmethod
    def choices(t: Language) -> list[tuple[str, str]]:
        """Every provider there is: (title, name)."""
        return [(t.render(provider_class(name).title), name) for name in provider_names()]

    def choose(self, name: str) -> ProviderChange:
        """
        Take another provider; what that did to signature and template, see ``Draft.change_provider``.

        Raises:
            SpecError: there is no such provider.
        """
        return self.draft.change_provider(provider_class(name).name)

    def _changed(self, names: frozenset[str]) -> None:
        if "provider" in names:
            # What was answered last is another provider's.
            self.result, self.listed, self.by_simulator = None, None, False

    # -- the account -------------------------------------------------------------------

    def accounts(self) -> list[Account]:
        """How far every provider is set up."""
        return accounts.accounts(self._environment(), self.ledger)

    @property
    def account(self) -> Account:
        """How far the chosen one is."""
        return accounts.account(self.provider, self._environment(), self.ledger)

    def form(self) -> list[SettingValue]:
        """The chosen provider's settings, and where each comes from."""
        return accounts.given(self.provider, self._environment())

    def keep(self, values: Mapping[str, str], store: Store) -> Written:
        """
        Keep settings of the chosen provider, by field; "" takes one back to its default.

        Raises:
            SettingsError: something is missing or impossible; nothing was saved.
        """
        written = accounts.save(self.provider, values, store, environment=self._environment())
        about = {"provider": self.provider, "settings": ", ".join(sorted(values)), "place": str(store)}
        self.ledger.audit.note(Action.CREDENTIALS, what="saved", **about)
        self.result, self.listed = None, None
        return written

    def forget(self) -> tuple[str, ...]:
        """Delete what was saved for the chosen provider; returns variables that are set from outside."""
        self.result, self.listed = None, None
        return accounts.forget(self.provider, self.ledger)

    @property
    def _stands_in(self) -> bool:
        """Whether the simulator answers, for want of an account."""
        return self.account.status is AccountStatus.ABSENT and bool(self.cls.rehearsal)

    def verdict(self, t: Language) -> str:
        """Whether the chosen provider is usable, and who says so; nobody where nobody answered."""
        if self.result is None:
            return ""
        said, who = t("Usable") if self.result.usable else t("NOT usable"), self.according_to(t)
        return f"{said} ({who})" if who else said

    def according_to(self, t: Language) -> str:
        """Who answered the last check; "" where nobody did."""
        if self.result is None or any(not f.ok and not f.code for f in self.result.findings):
            return ""
        return t("according to {who}", who=t("the simulator") if self.by_simulator else self.cls.title)

    @property
    def wanted(self) -> CheckScope:
        """What of the draft a check looks at."""
        draft = self.draft
        return CheckScope(
            draft["signature"],
            draft["template_id"],
            draft["template"],
            MessageClass(draft["message_class"]),
        )

    # -- signatures and templates -------------------------------------------------------

    def offers(self) -> Offered:
        """
        Ask what the account has, the simulator where there is no account, and add what was typed in.

        Raises:
            SettingsError: it is not set up.
            ProviderError: it could not be asked.
        """
        mode = Mode.REHEARSE if self._stands_in else Mode.LIVE
        self.listed = accounts.offers(
            self.provider, self._environment(), self.ledger, mode=mode, campaign=self.wanted
        )
        self._choose_the_only_ones(self.listed)
        return self.listed

    def _choose_the_only_ones(self, found: Offered) -> None:
        """Where nothing is chosen yet and there is one to choose, it is that one."""
        signatures, templates = ([o for o in kind if o.usable] for kind in found[:2])
        if not self.draft["signature"] and len(signatures) == 1:
            self.choose_signature(signatures[0].id)
        if not self.draft["template_id"] and not self.draft["template"] and len(templates) == 1:
            with suppress(TemplateError):  # of another signature than the chosen one
                self.choose_template(templates[0])

    @property
    def offered(self) -> Offered:
        """What there is to choose from, as far as it is known; asks nobody."""
        if self.listed is None:
            return accounts.typed(self.provider, self.ledger)
        return self.listed

    def type_signature(self, text: str) -> Offer:
        """
        Remember a signature read in the console, and choose it.

        Raises:
            InputError: there is none in *text*.
        """
        offer = accounts.type_signature(self.provider, text, self.ledger)
        self._add("signatures", offer)
        self.choose_signature(offer.id)
        return offer

    def type_template(self, template_id: str, text: str) -> Offer:
        """
        Remember a template read in the console, and choose it.

        Raises:
            InputError, TemplateError: there is none, or it cannot be read.
        """
        offer = accounts.type_template(self.provider, template_id, text, self.ledger)
        self._add("templates", offer)
        self.choose_template(offer)
        return offer

    def _add(self, kind: Literal["signatures", "templates"], offer: Offer) -> None:
        there: list[Offer] = getattr(self.offered, kind)
        if all((o.id, o.text) != (offer.id, offer.text) for o in there):
            there.append(offer)

    def choose_signature(self, name: str) -> None:
        """Put a signature into the draft; "" takes it out."""
        self.draft.set(signature=name)

    def choose_template(self, offer: Offer | None) -> None:
        """
        Put a template into the draft, or take it out.

        Raises:
            TemplateError: its text cannot be read, or begins with another signature than the chosen one.
        """
        nothing: dict[str, Any] = {"template_id": None, "template": None}
        chosen = accounts.chosen_template(self.provider, offer, self.draft["signature"]) if offer else nothing
        self.draft.set(**chosen)

    def find_template(self, template_id: str) -> Offer:
        """
        The offered template with this id.

        Raises:
            InputError: there is none.
        """
        for offer in self.offered.templates:
            if offer.id == template_id:
                return offer
        raise InputError("there is no template `{name}` among those listed or typed in", name=template_id)

    # -- plain steps -------------------------------------------------------------------

    @step
    def providers(self) -> None:
        """Show how far every provider is set up, and what it said when it was last asked; asks nobody."""
        found = self.accounts()

        def table(t: Language) -> pd.DataFrame:
            rows = [(a.name, t.render(a.title), t(a.status), when(a), answer_of(a, t)) for a in found]
            columns = ["provider", t("Provider"), t("state"), t("last checked"), t("what it said")]
            return pd.DataFrame(rows, columns=columns)

        self.show_frame(table)
        for remark in remarks(Environment()):
            self.repeat(remark)

    @step
    def steps(self) -> None:
        """Show what to obtain from the provider's console, and where that is."""
        cls = self.cls
        told = mark("What to obtain from {provider}")
        self.say(lambda t: f"{t(told, provider=cls.title)} {cls.console_url}".strip())
        self.show_frame(lambda t: pd.DataFrame({t("step"): [t.render(step) for step in cls.console_steps]}))

    @step
    def settings(self) -> None:
        """Show the provider's settings and where each comes from; no value of a key."""
        form = self.form()

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

        secrets = self.cls.Settings.secret_fields()
        if given := sorted(settings.keys() & set(secrets)):
            words = mark("`{name}` is a key: it is asked for, and never written into a notebook")
            raise SettingsError(Message(words, name=given[0]))
        if not self.host.is_person:
            raise SettingsError("nobody is here to be asked for keys; put them into the environment or .env")
        self.say("Leave empty to keep what is there.")
        typed = {s.name: getpass(f"{s.variable}: ") for g in self.form() if (s := g.setting).secret}
        written = self.keep(settings | {name: value for name, value in typed.items() if value}, Store(store))
        self.say(lambda t: t("Saved. Now click {check}.", check=t("Check")))
        if written.exposed:
            self.say("Git would take {file} into a commit: add it to .gitignore.", file=written.file)

    @step
    def check(self, *, simulator: bool | None = None) -> CheckResult:
        """
        Ask whether the provider is usable, and show its answer; sends nothing.

        Args:
            simulator: Ask the built-in simulator; None = where there is no account.

        Raises:
            SettingsError: the account is not set up, and there is no simulator for it.
        """
        if simulator is None and (simulator := self._stands_in):
            self.say("No account is set up, so the simulator is asked.")
        mode = Mode.REHEARSE if simulator else Mode.LIVE
        result = self.result = accounts.check(
            self.provider, self._environment(), self.ledger, mode=mode, campaign=self.wanted
        )
        self.by_simulator = bool(simulator)
        self.show_frame(lambda t: findings_table(result, t))
        self.say(self.verdict)
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
        able = self.cls.rehearsal or self.account.status is not AccountStatus.ABSENT
        if self.listed is None and able and self.offered.listed:
            return self.offers()
        if not self.offered.listed:
            self.say("This provider cannot be asked for lists: copy them from its console.")
        return self.offered

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
            self.choose_signature(signature)
        if template_id is not None:
            self.choose_template(self.find_template(template_id))

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
        account, result = self.account, self.result
        self.say(lambda t: f"{t.render(account.title)}: {t(account.status)}")
        if result is not None and not result.usable:
            failed = next(f for f in result.findings if not f.ok)
            why = Joined([failed.code, quote(failed.meaning), failed.next_step], " ")
            raise NotUsable("{what} is not usable: {why}", what=account.title, why=why)


def answer_of(account: Account, t: Language, *, with_balance: bool = True) -> str:
    """One line: what the provider said, or what is missing before it could be asked."""
    answer = account.answer
    if answer is None:
        missing = account.status is AccountStatus.SAVED and account.problem
        return t.render(account.problem) if missing else "—"
    words = [answer.code, answer.told(t)]
    if with_balance and account.balance and answer.ok:
        words += [t("balance {amount}", amount=amount(account.balance, t))]
    if not answer.ok:
        words += [f"→ {t.render(answer.next_step)}"] if answer.next_step else []
    return " ".join(word for word in words if word)


def when(account: Account) -> str:
    """When it was last asked, by the clock that campaigns go by where they name none."""
    return account.at.astimezone(ZoneInfo(TIMEZONE)).strftime("%Y-%m-%d %H:%M") if account.at else "—"
