"""
Jobs that run smskit as its users do: whole campaigns, and what is read back of them.

Each runs in a process of its own. What is imported for it, it imports before
its clock starts, as the things it is compared with do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.child import ROOT, JobFailed
from bench.measure import peak_mib, settle_memory, timed
from bench.segments import RULES, SIGNATURE, TEMPLATE, VARIABLES

NAME = "bench"

_CREDENTIALS = {
    "yunpian": {"API_KEY": "5ec2e7c0ffee5ec2e7c0ffee5ec2e7c0"},
    "aliyun": {"ACCESS_KEY_ID": "LTAI5tBench", "ACCESS_KEY_SECRET": "bench"},
    "chuanglan": {"ACCOUNT": "bench", "PASSWORD": "bench"},
    "tencent": {"SECRET_ID": "AKIDbench", "SECRET_KEY": "bench", "APP_ID": "1400000001"},
}
YUNPIAN_KEY = _CREDENTIALS["yunpian"]["API_KEY"]


def environ(
    url: str, folder: str, settings: Mapping[str, object], provider: str = "yunpian"
) -> dict[str, str]:
    """
    The variables of a process that sends to *url* and keeps its ledger in *folder*.

    Args:
        settings: Fields of the provider's settings, e.g. ``{"concurrency": 16}``; unpaced unless they say so.
    """
    named = {"base_url": url, "requests_per_second": 0, "timeout_s": 30} | dict(settings)
    return {
        **{f"SMSKIT_{provider}_{name}".upper(): str(value) for name, value in named.items()},
        **{f"SMSKIT_{provider}_{name}".upper(): value for name, value in _CREDENTIALS[provider].items()},
        "SMSKIT_DATABASE_URL": f"sqlite:///{Path(folder) / 'ledger.db'}",
        "SMSKIT_KEYRING": "0",
        "SMSKIT_RUNS_FOLDER": str(Path(folder) / "runs"),
    }


def parameters(segment: str, provider: str = "yunpian", **more: Any) -> dict[str, Any]:
    """A live campaign over a segment of `segments.frame`."""
    return {
        "campaign": NAME,
        "segment": segment,
        "rules": RULES,
        "provider": provider,
        "signature": SIGNATURE,
        "template": TEMPLATE,
        "variables": VARIABLES,
        "mode": "live",
        "send_window": "",
        "max_recipients": 10**8,
    } | more


# -- sending --------------------------------------------------------------------------------


def run(*, data: dict[str, Any], variables: dict[str, str], ledger: bool = True) -> dict[str, float]:
    """
    Plan and send a campaign.

    Args:
        ledger: False keeps everything in memory, and nothing of it outlives the process.

    Returns:
        plan_s (reading the segment included), send_s, total_s, accepted, peak_mib.
    """
    campaign = opened(data, variables, ledger=ledger)
    plan_s, _ = timed(campaign.plan)
    send_s, outcome = timed(campaign.send)
    return {
        "plan_s": plan_s,
        "send_s": send_s,
        "total_s": plan_s + send_s,
        "accepted": outcome.books.accepted,
        "peak_mib": peak_mib(),
    }


def memory(*, data: dict[str, Any], variables: dict[str, str]) -> dict[str, float]:
    """
    Peaks of resident memory, in MiB, of a campaign over a frame that is loaded already.

    Returns:
        frame (what loading it left), plan and send (peaks above the loaded
        frame), and kept (what the plan holds on to between the two).
    """
    from smskit.audience import segment
    from smskit.message.variables import parse_bindings
    from smskit.planning.plan import columns_read
    from smskit.planning.spec import CampaignSpec

    campaign = opened(data, variables)
    bare = settle_memory()
    spec = CampaignSpec.from_data(data)
    columns = columns_read(spec, parse_bindings(spec.variables))
    campaign.planner.frame = segment.load(data["segment"], text_columns={"phone", "user_id"}, columns=columns)
    loaded = settle_memory()
    campaign.plan()
    plan = peak_mib() - loaded
    kept = settle_memory() - loaded
    campaign.send()
    return {"frame": loaded - bare, "plan": plan, "kept": kept, "send": peak_mib() - loaded}


def send_memory(*, data: dict[str, Any], variables: dict[str, str]) -> dict[str, float]:
    """Peak in MiB above the imports of going on with a campaign that is frozen: no frame, no plan."""
    from smskit.ledger.opening import open_ledger
    from smskit.sending.session import reopen_campaign

    environment = _import_and_settle(data["provider"], variables)
    row = open_ledger(environment).campaigns.get(NAME, data["mode"])
    assert row is not None
    campaign = reopen_campaign(row, environment=environment)
    bare = settle_memory()
    campaign.resume()
    return {"send": peak_mib() - bare}


def freeze(*, data: dict[str, Any], variables: dict[str, str]) -> dict[str, float]:
    """
    Plan and freeze a live campaign, without sending.

    Returns:
        freeze_s, without the plan.
    """
    from smskit.models import Mode

    campaign = opened(data, variables)
    made = campaign.plan()
    took_s, _ = timed(lambda: campaign.planner.freeze(Mode(data["mode"]), made))
    return {"freeze_s": took_s}


def opened(data: dict[str, Any], variables: dict[str, str], *, ledger: bool = True) -> Any:
    """The campaign, with what it needs imported already; see `run`."""
    from bench import nowhere
    from smskit.planning.spec import CampaignSpec
    from smskit.sending.campaign import Campaign
    from smskit.sending.session import open_campaign

    environment = _import_and_settle(data["provider"], variables)
    campaign = open_campaign(CampaignSpec.from_data(data), environment=environment)
    if ledger:
        return campaign
    unwritten: Any = nowhere.install()
    return Campaign(campaign.spec, unwritten, campaign.provider, clock=campaign.clock, record=campaign.record)


def _import_and_settle(provider: str, variables: Mapping[str, str]) -> Any:
    import aiohttp
    import certifi
    import phonenumbers
    import psutil
    import uvloop

    from smskit.audience import segment
    from smskit.providers import provider_class
    from smskit.sending import campaign
    from smskit.settings import Environment

    assert all((aiohttp, certifi, phonenumbers, psutil, uvloop, campaign, segment))
    provider_class(provider)
    return Environment(dict(variables))


# -- planning -------------------------------------------------------------------------------


def plan(*, people: int, messy: bool, rounds: int) -> dict[str, list[float]]:
    """
    A plan over a frame in memory, and the floors of its parts, in turn.

    Args:
        messy: Phones as exports hold them, instead of eleven digits each.

    Returns:
        plan, floors (their sum), distinct (telling user ids apart), and each floor by name: seconds a round.
    """
    from datetime import UTC, datetime

    from bench import segments
    from bench.floors import distinct_ids, floors
    from smskit.message.template import Template
    from smskit.message.variables import parse_bindings
    from smskit.planning.plan import History, ProviderLimits, build
    from smskit.planning.spec import CampaignSpec

    frame = segments.frame(people).query("level != 'bronze'").reset_index(drop=True)
    if messy:
        frame["phone"] = segments.messy_phones(len(frame))
    spec = CampaignSpec.from_data(parameters("memory", rules=None))
    template = Template.parse(spec.template, signature=spec.signature)
    literals = [f"【{SIGNATURE}】你好", "，你在", "获得", "元优惠券，请于3天内在App使用。拒收请回复R"]

    def build_plan(rows: Any) -> Any:
        return build(
            spec,
            rows,
            template,
            parse_bindings(spec.variables),
            fit=ProviderLimits(unfit_value="[【】]"),
            past=History(),
            now=datetime.now(UTC),
        )

    build_plan(frame.head(1000))
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        steps = floors(frame, literals, list(VARIABLES))
        took, _ = timed(lambda: build_plan(frame))
        for name, value in (
            {"plan": took, "floors": sum(steps.values()), "distinct": distinct_ids(frame)} | steps
        ).items():
            found.setdefault(name, []).append(value)
    return found


def phones(*, cells: int, sample: int, rounds: int) -> dict[str, list[float]]:
    """Seconds a cell: ours by column over *cells*, and ``phonenumbers`` one by one over *sample*."""
    import phonenumbers

    from bench.segments import messy_phones
    from smskit.audience.phones import normalise

    column = messy_phones(cells)
    few = column.head(sample).tolist()
    normalise(column.head(1000))

    def one_by_one() -> None:
        for cell in few:
            try:
                number = phonenumbers.parse(cell, "CN")
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number(number):
                phonenumbers.number_type(number)

    return {
        "ours": [timed(lambda: normalise(column))[0] / cells for _ in range(rounds)],
        "each": [timed(one_by_one)[0] / sample for _ in range(rounds)],
    }


def bodies(*, people: int, sample: int, rounds: int) -> dict[str, Any]:
    """
    Seconds a person that the bodies of ``multi_send`` take: ours, and the standard library's.

    Raises:
        AssertionError: they differ in a single byte.
    """
    from urllib.parse import quote_plus, urlencode
    from zoneinfo import ZoneInfo

    import numpy as np
    import pyarrow as pa

    from bench.segments import frame
    from smskit.audience.phones import normalise
    from smskit.ledger import CHUNK
    from smskit.message.template import Template
    from smskit.message.variables import bind, parse_bindings
    from smskit.models import TIMEZONE, Slice
    from smskit.providers.calls import Job
    from smskit.providers.yunpian import Yunpian, YunpianSettings

    rows = frame(people).head(people)
    numbers = normalise(rows["phone"]).e164
    template = Template.parse(TEMPLATE, signature=SIGNATURE)
    values = bind(rows, parse_bindings(VARIABLES), template.names, zone=ZoneInfo(TIMEZONE))
    settings = YunpianSettings(api_key=YUNPIAN_KEY, multi_send=True, batch_size=1000)

    def slices() -> Any:
        for chunk, first in enumerate(range(0, people, CHUNK)):
            n = min(CHUNK, people - first)
            columns = {name: column.slice(first, n) for name, column in values.items()}
            # As the ledger hands them out: arrays of their own.
            columns = {name: pa.concat_arrays([column]) for name, column in columns.items()}
            yield Slice(chunk, np.arange(n, dtype=np.uint16), numbers[first : first + n], columns)

    def ours() -> list[bytes]:
        provider, job = Yunpian(settings), Job(template)
        return [call.body for people in slices() for call in provider.calls(job, people)]

    def theirs() -> list[bytes]:
        written = []
        for first in range(0, sample, 1000):
            some = rows.iloc[first : first + 1000]
            texts = [
                f"【{SIGNATURE}】{TEMPLATE.format(name=n, city=c, amount=a)}"
                for n, c, a in zip(some["name"], some["city"], some["amount"], strict=True)
            ]
            fields = {"mobile": ",".join(some["phone"]), "text": ",".join(map(quote_plus, texts))}
            written.append(urlencode(fields).encode())
        return written

    expected = theirs()
    assert ours()[: len(expected)] == expected, "the bodies differ from the standard library's"
    return {
        "ours": [timed(ours)[0] / people for _ in range(rounds)],
        "stdlib": [timed(theirs)[0] / sample for _ in range(rounds)],
    }


# -- reading back ---------------------------------------------------------------------------


def read_back(*, variables: dict[str, str], persons: list[str], rounds: int) -> dict[str, list[float]]:
    """Seconds that ``report.status`` and ``report.why`` take on the finished campaign; the ledger is open."""
    from smskit.ledger.opening import open_ledger
    from smskit.reporting import report
    from smskit.settings import Environment

    ledger = open_ledger(Environment(variables))
    found: dict[str, list[float]] = {"status": [], "why": []}
    for _ in range(rounds):
        row = ledger.campaigns.find(name=NAME)[-1]
        found["status"].append(timed(lambda row=row: report.status(ledger, row))[0])
        for person in persons:
            found["why"].append(timed(lambda row=row, p=person: report.why(ledger, row, p))[0])
    return found


def books(*, variables: dict[str, str]) -> dict[str, int] | None:
    """The campaign's books, read by an outsider; None while there is no campaign."""
    from smskit.ledger.opening import open_ledger
    from smskit.models import Mode
    from smskit.settings import Environment

    ledger = open_ledger(Environment(variables))
    row = ledger.campaigns.get(NAME, Mode.LIVE)
    if row is None:
        return None
    counted = ledger.audience.counts(row.id)
    return {
        name: getattr(counted, name) for name in ("waiting", "submitting", "accepted", "unknown", "awaiting")
    }


def await_senders(*, count: int, variables: dict[str, str]) -> int:
    """Wait until so many send, and somebody has people to send to; returns the number of its process."""
    from smskit.models import Mode
    from smskit.reporting import report
    from smskit.sending.session import open_ledger
    from smskit.settings import Environment

    ledger = open_ledger(Environment(dict(variables)))
    while True:
        row = ledger.campaigns.get(NAME, Mode.LIVE)
        senders = report.status(ledger, row)["senders"] if row else []
        busy = [int(each["pid"]) for each in senders if each["chunks"]]
        if busy and len(senders) == count:
            return busy[0]
        time.sleep(0.05)


def command(variables: Mapping[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    """``smskit`` with *arguments* in a process of its own; prints nothing."""
    return subprocess.Popen(
        [sys.executable, "-m", "smskit", *arguments],
        env=os.environ | dict(variables),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def clocked(variables: Mapping[str, str], *arguments: str) -> float:
    """
    Seconds that ``smskit`` with *arguments* takes, interpreter and all.

    Raises:
        JobFailed: it did not end with 0.
    """
    took, status = timed(lambda: command(variables, *arguments).wait())
    if status:
        raise JobFailed(f"smskit {' '.join(arguments)}: exit {status}")
    return took
