"""
Accounts at providers: what one needs, how far each is set up, what the provider says, and what it offers.

Joins declarations, credentials and ledger, so that notebook, panel and command
line show the same. Nothing here shows or keeps a credential.
"""

from __future__ import annotations

import enum
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from smskit.allowed import is_place
from smskit.errors import InputError, SettingsError, SpecError, TemplateError
from smskit.i18n import Message, mark
from smskit.ledger import Action, Checked, Ledger
from smskit.message.template import Template
from smskit.models import CheckResult, Finding, MessageClass, Mode, Offer
from smskit.notebook.sample import SIGNATURE, TEMPLATE
from smskit.providers import Feature, Job, Provider, credentials, get_provider, provider_class, provider_names
from smskit.providers.credentials import Store, Written
from smskit.providers.declared import Setting, settings_of
from smskit.sending import access
from smskit.sending.rehearsal import offers_of, provider_for
from smskit.settings import Environment, Source, variable_of
from smskit.workspace import May, Workspace

__all__ = [
    "PLACES",
    "Account",
    "AccountStatus",
    "CheckScope",
    "Offered",
    "SettingValue",
    "account",
    "accounts",
    "check",
    "offers",
    "remarks",
    "save",
]

# What a check says about the account itself; the rest is about one campaign.
_ABOUT_ACCOUNT = ("credential", "balance")


class AccountStatus(enum.StrEnum):
    """How far an account is set up."""

    ABSENT = mark("not set up")
    SAVED = mark("saved")  # and not asked about since the credentials are these
    VERIFIED = mark("verified")  # the provider said that it is in order
    FAILING = mark("failing")  # the provider said that it is not, or could not be asked


PLACES = {
    Source.PROCESS: mark("set in the environment"),
    Source.DOTENV: mark("saved in .env"),
    Source.KEYRING: mark("saved in the keyring"),
    Source.NOWHERE: mark("not set"),
}


class SettingValue(NamedTuple):
    """One setting, where its value comes from, and the value where it is no secret."""

    setting: Setting
    source: Source
    shown: str  # "" for a secret, and where nothing is given


@dataclass(frozen=True, slots=True)
class Account:
    """
    A provider's account as it is known here.

    Args:
        problem: What is missing before it could be asked.
        findings: What the provider said when it was last asked with these credentials.
        at: When that was.
    """

    name: str
    title: str
    status: AccountStatus
    problem: str = ""
    findings: tuple[Finding, ...] = ()
    balance: str = ""
    at: datetime | None = None

    @property
    def answer(self) -> Finding | None:
        """The finding that matters most: what failed first, else that about the credential."""
        about = [f for f in self.findings if f.what in _ABOUT_ACCOUNT]
        return next((f for f in about if not f.ok), about[0] if about else None)


@dataclass(frozen=True, slots=True)
class CheckScope:
    """What of a campaign a check looks at; "" = not looked at."""

    signature: str = ""
    template_id: str = ""
    template: str = ""
    message_class: MessageClass = MessageClass.MARKETING


# -- how far each is set up --------------------------------------------------------------


def accounts(environment: Environment, ledger: Ledger | None) -> list[Account]:
    """Every registered provider's account; without a ledger none has been asked."""
    return [account(name, environment, ledger) for name in provider_names()]


def account(name: str, environment: Environment, ledger: Ledger | None) -> Account:
    """One provider's account; asks nobody."""
    cls = provider_class(name)
    last = None if ledger is None else ledger.accounts.last_check(name, Mode.LIVE)
    try:
        get_provider(name, environment)
    except (SettingsError, SpecError) as error:
        touched = any(g.source for g in given(name, environment) if g.setting.identifies)
        return Account(
            name, cls.title, AccountStatus.SAVED if touched else AccountStatus.ABSENT, problem=error.message
        )
    if last is None or not _same(name, environment, last.fingerprint):
        return Account(name, cls.title, AccountStatus.SAVED)
    fine = all(f.ok for f in last.result.findings if f.what in _ABOUT_ACCOUNT)
    return _asked(cls, AccountStatus.VERIFIED if fine else AccountStatus.FAILING, last)


def _asked(cls: type[Provider], status: AccountStatus, last: Checked) -> Account:
    at = datetime.fromtimestamp(last.at, UTC)
    return Account(cls.name, cls.title, status, "", last.result.findings, last.result.balance, at)


def given(name: str, environment: Environment) -> list[SettingValue]:
    """What a provider's form shows: every setting it declares, and where its value comes from."""
    found = []
    for setting in settings_of(provider_class(name)):
        source = environment.source(setting.variable)
        if source is Source.KEYRING and not setting.secret and not is_place(setting.variable):
            source = Source.NOWHERE  # settings looks there for credentials and where they go only
        found.append(
            SettingValue(setting, source, "" if setting.secret else environment.get(setting.variable))
        )
    return found


def remarks(environment: Environment) -> list[Message]:
    """What to know of the ``.env``; nothing for visitors of the app, who need not know where it lies."""
    return environment.remarks if Workspace.here().may_set_up else []


# -- saving ------------------------------------------------------------------------------


def save(
    name: str,
    values: Mapping[str, str],
    store: Store,
    *,
    environment: Environment,
    folder: Path | None = None,
) -> Written:
    """
    Keep settings of provider *name*, by field; "" takes one back to its default.

    Raises:
        SettingsError: one is missing or out of range, the place cannot hold it, an address is another
            server's than the keys were given for, or nobody may save any here; nothing was saved.
        SpecError: no such setting.
    """
    Workspace.here().demand_set_up()
    cls = provider_class(name)
    unknown = [field for field in values if field not in cls.Settings.model_fields]
    if unknown:
        raise SpecError("provider `{name}` has no setting `{field}`", name=name, field=unknown[0])
    clean = {field: value.strip() for field, value in values.items()}
    _demand_keys_stay(cls, clean, environment)
    _demand_sound(cls, clean, environment)
    named = {variable_of(name, field): value for field, value in clean.items()}
    together = (*cls.Settings.secret_fields(), *cls.Settings.place_fields())
    hidden_away = [variable_of(name, field) for field in together]
    return credentials.save(named, store, secrets=hidden_away, folder=folder, environment=environment)


def forget(name: str, ledger: Ledger, *, folder: Path | None = None) -> tuple[str, ...]:
    """
    Delete everything saved for provider *name*, and what it last said.

    Returns:
        Variables that the process's own environment still holds.

    Raises:
        SettingsError: nobody may delete any here.
    """
    Workspace.here().demand_set_up()
    variables = [s.variable for s in settings_of(provider_class(name))]
    left = credentials.forget(variables, folder=folder)
    ledger.accounts.forget_check(name, Mode.LIVE)
    ledger.audit.note(Action.CREDENTIALS, what="deleted", provider=name)
    return left


def _demand_keys_stay(cls: type[Provider], values: Mapping[str, str], environment: Environment) -> None:
    """A key that was given for one server is not sent to another one because its address was changed."""
    settings = settings_of(cls)
    moved = [
        s.variable
        for s in settings
        if s.name in values
        and _leads_elsewhere(s, environment.get(s.variable) or s.default, values[s.name] or s.default)
    ]
    # A typed key replaces one that was saved, but not one of the process's own environment.
    keys = [
        s.variable
        for s in settings
        if s.secret
        and (source := environment.source(s.variable))
        and (source is Source.PROCESS or not values.get(s.name))
    ]
    if moved and keys:
        raise SettingsError(
            "{variable} leads to another server than {keys} was given for, so nothing was saved: type "
            "the key again together with the address, or set both in the environment if it is there",
            variable=moved[0],
            keys=", ".join(keys),
        )


def _leads_elsewhere(setting: Setting, before: str, after: str) -> bool:
    if setting.name == "config":  # names an address itself
        return before != after
    if not setting.name.endswith("base_url"):
        return False
    return urlsplit(before)[:2] != urlsplit(after)[:2]  # scheme, host and port


def _demand_sound(cls: type[Provider], values: Mapping[str, str], environment: Environment) -> None:
    """Everything together, as it will be read back, is what the provider takes."""
    variables = {variable_of(cls.name, field): value for field, value in values.items()}
    stored = {s.variable: environment.secret(s.variable) for s in settings_of(cls) if s.secret}
    joined = {n: v for n, v in {**environment.variables, **stored, **variables}.items() if v}
    Environment(joined, keyring=False).provider(cls.name, cls.Settings)


# -- asking ------------------------------------------------------------------------------


def check(
    name: str,
    environment: Environment,
    ledger: Ledger,
    *,
    mode: Mode = Mode.LIVE,
    campaign: CheckScope | None = None,
) -> CheckResult:
    """
    Ask whether the account is usable, and keep the answer; sends nothing.

    Args:
        mode: ``rehearse`` asks the built-in simulator with a made-up account.
        campaign: What else to look at; its template needs the signature beside it.

    Raises:
        SettingsError: the account is not set up.
        UnsupportedFeature: the provider has no check, or the simulator does not speak it.
        TemplateError: the template cannot be read.
    """
    wanted = campaign or CheckScope()
    job = _trial(wanted) if mode is Mode.REHEARSE else None
    with provider_for(name, mode, environment, job=job) as provider:
        result = ask(provider, wanted)
    fingerprint = _fingerprint(name, environment) if mode is Mode.LIVE else ""
    ledger.accounts.keep_check(result, mode, fingerprint)
    return result


def ask(provider: Provider, scope: CheckScope) -> CheckResult:
    """
    Ask *provider* whether it is usable, and close it; sends nothing and writes nothing down.

    Raises:
        UnsupportedFeature: it has no check.
        TemplateError: the template cannot be read.
    """
    template = Template.parse(scope.template, signature=scope.signature) if scope.template else None
    return access.ask(
        provider,
        lambda it: it.check(signature=scope.signature, template_id=scope.template_id, template=template),
    )


def _trial(wanted: CheckScope) -> Job:
    """What the simulated account has approved: what is to be looked at, else the sample campaign's."""
    text, signature = wanted.template or TEMPLATE, wanted.signature or SIGNATURE
    template = Template.parse(text, signature="" if text.startswith("【") else signature)
    return Job(template, wanted.template_id, wanted.message_class)


# -- what it offers ----------------------------------------------------------------------


class Offered(NamedTuple):
    """
    Signatures and templates to choose from: the provider's own list, then what people typed in.

    Args:
        listed: Whether the provider can list them at all.
    """

    signatures: list[Offer]
    templates: list[Offer]
    listed: frozenset[Feature]


def offers(
    name: str,
    environment: Environment,
    ledger: Ledger,
    *,
    mode: Mode = Mode.LIVE,
    campaign: CheckScope | None = None,
) -> Offered:
    """
    Ask what the account has, and add what was typed in here before.

    Raises:
        SettingsError: the account is not set up.
        ProviderError: it could not be asked.
    """
    job = _trial(campaign or CheckScope()) if mode is Mode.REHEARSE else None
    found = offers_of(name, environment, mode=mode, job=job)
    has = provider_class(name).features & {Feature.SIGNATURES, Feature.TEMPLATES}
    return Offered(
        _joined(found.signatures or (), ledger.accounts.typed_offers(name, "signature")),
        _joined(found.templates or (), ledger.accounts.typed_offers(name, "template")),
        frozenset(has),
    )


def typed(name: str, ledger: Ledger) -> Offered:
    """What was typed in, without asking anybody."""
    has = provider_class(name).features & {Feature.SIGNATURES, Feature.TEMPLATES}
    signatures, templates = (ledger.accounts.typed_offers(name, kind) for kind in ("signature", "template"))
    return Offered(signatures, templates, frozenset(has))


def type_signature(name: str, text: str, ledger: Ledger) -> Offer:
    """
    Remember a signature that a person read in the console.

    Raises:
        InputError: there is none in *text*.
    """
    signature = text.strip().strip("【】").strip()
    if not signature:
        raise InputError("type the signature as the console shows it, without 【】")
    Workspace.here().demand(May.PLAN)
    offer = Offer(signature, "", True, "")
    ledger.accounts.keep_offer(name, "signature", offer)
    return offer


def type_template(name: str, template_id: str, text: str, ledger: Ledger) -> Offer:
    """
    Remember a template that a person read in the console.

    Args:
        template_id: The provider's; "" where it has none.
        text: In the provider's form or ours; "" where the provider hands it out by its id.

    Raises:
        InputError, TemplateError: both are empty, or the text cannot be read.
    """
    template_id, text = template_id.strip(), text.strip()
    if text:
        Template.parse(text)
    elif not template_id:
        raise InputError("type the template's id, its text, or both")
    Workspace.here().demand(May.PLAN)
    offer = Offer(template_id, text, True, "")
    ledger.accounts.keep_offer(name, "template", offer)
    return offer


def chosen_template(name: str, offer: Offer, signature: str) -> dict[str, Any]:
    """
    The campaign parameters that choosing a template sets.

    Its signature too, where the text begins with one and none was chosen.

    Raises:
        TemplateError: the text cannot be read, or begins with another signature than the chosen one.
    """
    if not offer.text:
        return {"template_id": offer.id, "template": ""}
    form = provider_class(name).form
    try:
        parsed = Template.parse(offer.text, form=form)
    except TemplateError:  # typed in another provider's form, or ours
        parsed = Template.parse(offer.text)
    if parsed.signature and signature and parsed.signature != signature:
        raise TemplateError(
            "the template begins with the signature 【{one}】 but `signature` is 【{two}】; "
            "make them the same or remove one",
            one=parsed.signature,
            two=signature,
        )
    chosen = {"template_id": offer.id, "template": offer.text}
    return chosen | ({"signature": parsed.signature} if parsed.signature else {})


def _joined(listed: Iterable[Offer], typed_in: Iterable[Offer]) -> list[Offer]:
    """The provider's word on one counts, also where it was typed in as well."""
    found = {(o.id or o.text): o for o in typed_in} | {(o.id or o.text): o for o in listed}
    return list(found.values())


# -- whether it is still the same account ------------------------------------------------

# Few bits and a slow digest, on purpose: whoever has the ledger can guess at a weak password, and learns
# nothing, since one guess in four billion would seem right. To see a change it is enough.
_BITS, _WORK = 32, 2**12


def _fingerprint(name: str, environment: Environment, salt: bytes = b"") -> str:
    salt = salt or secrets.token_bytes(16)
    values = [
        environment.secret(s.variable) if s.secret else environment.get(s.variable)
        for s in settings_of(provider_class(name))
        if s.identifies or s.name == "base_url"
    ]
    digest = hashlib.scrypt("\0".join(values).encode(), salt=salt, n=_WORK, r=8, p=1, dklen=_BITS // 8)
    return f"{salt.hex()}:{digest.hex()}"


def _same(name: str, environment: Environment, fingerprint: str) -> bool:
    salt, _, _ = fingerprint.partition(":")
    return bool(salt) and _fingerprint(name, environment, bytes.fromhex(salt)) == fingerprint
