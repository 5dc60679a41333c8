"""
``Connector``: one person connecting providers, step by step, as notebook 01 and its panel do.

Holds what was answered last; what is decided lies in ``accounts``, what is
chosen in the draft.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from smskit.errors import InputError
from smskit.i18n import Message
from smskit.ledger import Action, Ledger
from smskit.models import CheckResult, MessageClass, Mode, Offer
from smskit.notebook import accounts
from smskit.notebook.accounts import Account, AccountStatus, CheckScope, Offered, SettingValue
from smskit.planning.draft import Draft, ProviderChange
from smskit.providers import Provider, provider_class, provider_names
from smskit.providers.credentials import Store, Written
from smskit.sending.session import open_ledger
from smskit.settings import Environment

__all__ = ["Connector"]


class Connector:
    """
    Args:
        draft: Takes the chosen provider, signature and template.
        environment: Makes a fresh look at settings, since this saves some.
    """

    def __init__(self, draft: Draft, environment: Callable[[], Environment] = Environment) -> None:
        self.draft, self.environment = draft, environment
        self.result: CheckResult | None = None
        self.by_simulator = False  # the result, or the list, is the simulator's
        self.listed: Offered | None = None
        draft.on_change(self._changed)

    def __repr__(self) -> str:
        return f"Connector({self.provider})"

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
        return open_ledger(self.environment())

    @staticmethod
    def choices() -> list[tuple[str, str]]:
        """Every provider there is: (title, name)."""
        return [(provider_class(name).title, name) for name in provider_names()]

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
        return accounts.accounts(self.environment(), self.ledger)

    @property
    def account(self) -> Account:
        """How far the chosen one is."""
        return accounts.account(self.provider, self.environment(), self.ledger)

    def form(self) -> list[SettingValue]:
        """The chosen provider's settings, and where each comes from."""
        return accounts.given(self.provider, self.environment())

    def save(self, values: Mapping[str, str], store: Store) -> Written:
        """
        Keep settings of the chosen provider, by field; "" takes one back to its default.

        Raises:
            SettingsError: something is missing or impossible; nothing was saved.
        """
        written = accounts.save(self.provider, values, store, environment=self.environment())
        about = {"provider": self.provider, "settings": ", ".join(sorted(values)), "place": str(store)}
        self.ledger.audit.note(Action.CREDENTIALS, what="saved", **about)
        self.result, self.listed = None, None
        return written

    def forget(self) -> tuple[str, ...]:
        """Delete what was saved for the chosen provider; returns variables that are set from outside."""
        self.result, self.listed = None, None
        return accounts.forget(self.provider, self.ledger)

    def check(self, *, simulator: bool = False) -> CheckResult:
        """
        Ask the chosen provider, or the simulator in its place; sends nothing.

        Raises:
            SettingsError: it is not set up.
            UnsupportedFeature: it cannot be asked.
        """
        mode = Mode.REHEARSE if simulator else Mode.LIVE
        wanted = self.wanted
        self.result = accounts.check(
            self.provider, self.environment(), self.ledger, mode=mode, campaign=wanted
        )
        self.by_simulator = simulator
        return self.result

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

    def offers(self, *, simulator: bool | None = None) -> Offered:
        """
        Ask what the account has, and add what was typed in.

        Args:
            simulator: Ask the simulator; None = where there is no account.

        Raises:
            SettingsError: it is not set up.
            ProviderError: it could not be asked.
        """
        if simulator is None:
            simulator = self.account.status is AccountStatus.ABSENT and bool(self.cls.rehearsal)
        mode = Mode.REHEARSE if simulator else Mode.LIVE
        self.listed = accounts.offers(
            self.provider, self.environment(), self.ledger, mode=mode, campaign=self.wanted
        )
        return self.listed

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
        raise InputError(
            Message("there is no template `{name}` among those listed or typed in", name=template_id)
        )
