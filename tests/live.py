"""Live campaigns against a simulator: segments, parameters and processes that can be killed."""

from __future__ import annotations

import multiprocessing
import os
import platform
import sys
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pandas as pd

from smskit.errors import SmskitError
from smskit.ledger import Ledger, changes, senders
from smskit.message.template import Template
from smskit.models import Mode
from smskit.planning.spec import CampaignSpec
from smskit.providers import Job, provider_class
from smskit.sending import engine
from smskit.sending.campaign import Campaign, Outcome
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from smskit.simulator import Simulator
from tests import failpoints

TEMPLATE = "你好{name}，恭喜你获得{coupon}元VIP优惠券，请于3天内在App使用。拒收请回复R"


@dataclass(frozen=True)
class Way:
    """One way of sending to test: a provider and its settings."""

    provider: str
    credentials: dict[str, str]
    settings: dict[str, str] = field(default_factory=dict)
    template_id: str = ""

    def environ(self, url: str, folder: Path, ledger: str = "") -> dict[str, str]:
        """The environment of a process that sends this way; *ledger* "" = a file in *folder*."""
        prefix = f"SMSKIT_{self.provider.upper()}_"
        defaults = {"TIMEOUT_S": "15", "REQUESTS_PER_SECOND": "0", "CONCURRENCY": "8", "RECORD_LAG_S": "0.5"}
        named = {prefix + k: v for k, v in (defaults | self.settings | self.credentials).items()}
        ledger = ledger or f"sqlite:///{folder / 'ledger.db'}"
        database = {"SMSKIT_DATABASE_URL": ledger, "SMSKIT_KEYRING": "0"}
        database["SMSKIT_RUNS_FOLDER"] = str(folder / "runs")
        return named | database | {prefix + "BASE_URL": url}


YUNPIAN_KEY = "5ec2e7c0ffee5ec2e7c0ffee5ec2e7c0"
SINGLES = Way("yunpian", {"API_KEY": YUNPIAN_KEY})
MULTI = Way("yunpian", {"API_KEY": YUNPIAN_KEY}, {"MULTI_SEND": "true", "BATCH_SIZE": "20"})
ALIYUN = Way(
    "aliyun",
    {"ACCESS_KEY_ID": "LTAI5tMadeUpForTests0001", "ACCESS_KEY_SECRET": "madeUpSecretForTests0000000001"},
    {"BATCH_SIZE": "50"},
    template_id="SMS_100000001",
)
CHUANGLAN = Way("chuanglan", {"ACCOUNT": "M0000001", "PASSWORD": "MadeUpPassword01"}, {"BATCH_SIZE": "50"})
TENCENT = Way(
    "tencent",
    {
        "SECRET_ID": "AKIDMadeUpForTests000000000000000001",
        "SECRET_KEY": "MadeUpSecretForTests00000000001",
        "APP_ID": "1400000001",
    },
    template_id="1000001",
)
WAYS = {
    "yunpian-singles": SINGLES,
    "yunpian-multi": MULTI,
    "aliyun": ALIYUN,
    "chuanglan": CHUANGLAN,
    "tencent": TENCENT,
}


def segment(path: Path, people: int, *, first: int = 13800100000) -> Path:
    """Write a segment of *people* with different names and a few coupons."""
    pd.DataFrame(
        {
            "user_id": [f"u{i:06d}" for i in range(people)],
            "phone": [str(first + i) for i in range(people)],
            "name": [f"用户{i}" for i in range(people)],
            "coupon": [(50, 100, 200)[i % 3] for i in range(people)],
        }
    ).to_csv(path, index=False)
    return path


def data(way: Way, source: Path, **more: Any) -> dict[str, Any]:
    """Parameters of a live campaign over *source*."""
    return {
        "campaign": "live-1",
        "segment": str(source),
        "provider": way.provider,
        "signature": "GrowingIO",
        "template": TEMPLATE,
        "template_id": way.template_id,
        "variables": {"name": "name", "coupon": "coupon"},
        "mode": "live",
        "send_window": "",
        "max_recipients": 1_000_000,
    } | more


def campaign(parameters: dict[str, Any], environ: dict[str, str]) -> Campaign:
    """A campaign that sees exactly *environ*."""
    return open_campaign(CampaignSpec.from_data(parameters), environment=Environment(environ))


def send(parameters: dict[str, Any], environ: dict[str, str]) -> Outcome:
    """Send in this process."""
    return campaign(parameters, environ).send()


TTL_S = 6.0  # of who pretends to be on another machine


def hurry() -> None:
    """Be taken for dead sooner than others where signs of life count for this process."""
    for module in (changes, senders):
        setattr(module, "LEASE_TTL_S", TTL_S)  # noqa: B010 - a constant
    setattr(engine, "_CLAIM_LASTS_S", 2.0)  # noqa: B010


def _child(
    parameters: dict[str, Any], environ: dict[str, str], point: str, request: int, elsewhere: bool
) -> None:
    if elsewhere:  # where signs of life count for this process
        platform.node = lambda: "elsewhere"
        hurry()
    if point:
        failpoints.arm(provider_class(parameters["provider"]), point, request)
    # Errors of ours are an exit code, as on the command line; anything else is a traceback and 1.
    try:
        send(parameters, environ)
    except SmskitError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(error.exit_code)
    os._exit(0)


_FORKS = multiprocessing.get_context("forkserver")
PRELOAD = ["smskit.sending.session", "smskit.providers.yunpian", "aiohttp", "certifi", "phonenumbers"]
_FORKS.set_forkserver_preload(PRELOAD)


def start(
    parameters: dict[str, Any],
    environ: dict[str, str],
    *,
    point: str = "",
    request: int = 0,
    elsewhere: bool = False,
) -> ForkServerProcess:
    """
    Send in a process of its own, which may be killed, or dies at a point of `failpoints`.

    Args:
        elsewhere: As if on another machine, of whose runs one is dead after `TTL_S` without a sign.
    """
    arguments = (parameters, environ, point, request, elsewhere)
    process = _FORKS.Process(target=_child, args=arguments, daemon=True)
    process.start()
    return process


# For campaigns of one text, one after the other: Yunpian takes a text once in 30 seconds, and a run waits.
SAME_TEXT_AGAIN = {"limits": {"same_30s": 0, "same_5min": 0, "same_day": 0}}


def approve(simulator: Simulator, way: Way, **account: Any) -> None:
    """
    Give the simulator's account what this way of sending needs: an approved signature and template.

    Args:
        account: More of what the account is, such as ``SAME_TEXT_AGAIN``.
    """
    job = Job(Template.parse(TEMPLATE, signature="GrowingIO"), way.template_id)
    cls = provider_class(way.provider)
    settings = Environment(way.environ(simulator.url, Path("."))).provider(way.provider, cls.Settings)
    first, *rest = way.credentials.values()
    simulator.world.register(
        way.provider,
        first,
        secret=rest[0] if rest else "",
        app_id=way.credentials.get("APP_ID", ""),
        signatures=["GrowingIO"],
        templates=[cls(settings).approved_form(job)],
        # The tests run at any hour.
        **({"echo_uid": True, "send_hours": (0, 24)} | account),
    )


def books(environ: dict[str, str], name: str = "live-1") -> Any:
    """The books, read by an outsider."""
    ledger = Ledger(environ["SMSKIT_DATABASE_URL"])
    try:
        row = ledger.campaigns.get(name, Mode.LIVE)
        return ledger.audience.counts(row.id) if row else None
    finally:
        ledger.close()


def balanced(b: Any) -> bool:
    """Whether the books balance, as DESIGN promises at every instant."""
    return bool(
        b.planned == b.waiting + b.submitting + b.accepted + b.refused + b.unknown
        and b.accepted == b.delivered + b.undelivered + b.awaiting
    )
