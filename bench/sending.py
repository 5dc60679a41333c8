"""
The benches of sending: whole campaigns beside prototypes and loops over the vendors' clients, and the pace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from bench import campaigns, child, segments
from bench import carriers as both
from bench.run import BATCH, LATENCY_S, MULTI, SIXTEEN, Run, times
from bench.server import Server
from bench.simulator import simulating
from bench.table import Row, ratios, row, seconds


def campaign(run: Run) -> Iterator[Row]:
    """A whole campaign against the tidy prototype and against a loop over the vendor's SDK."""
    n = run.rows
    sample, few = (500, 50) if run.quick else (2000, 500)
    ours, tidy, plain, recorded = [], [], [], []
    with Server() as server:
        for _ in range(run.rounds):
            ours.append(run.campaign(server, n, MULTI))
            server.reset()
            tidy.append(run.prototype(server.url))
            plain.append(n * run.loop(server, "yunpian", sample))
            recorded.append(n * run.loop(server, "yunpian", few, record=True))
    total, tidy_s = times(ours), times(tidy)
    yield row(
        f"whole campaign of {n:,}, {BATCH} a call / tidy prototype",
        ratios(total, tidy_s),
        "×",
        at_most=1.0,
        beside=f"{seconds(total)} (plan {seconds(times(ours, 'plan_s'))}) / {seconds(tidy_s)}",
        server="bare",
    )
    yield row("the same in seconds", total, "s", server="bare")
    for loop_s, measured, words, goal in (
        (recorded, few, "that commits each person", 600),
        (plain, sample, "that keeps no record", 200),
    ):
        yield row(
            f"yunpian-python-sdk loop {words} ({measured:,} measured) / the same",
            ratios(loop_s, total),
            "×",
            at_least=goal,
            beside=f"{seconds(loop_s)} / {seconds(total)}",
            server="bare",
        )


def simulated(run: Run) -> Iterator[Row]:
    """The same campaign against the simulator, which checks everything and remembers everybody."""
    ours, tidy = [], []
    for _ in range(run.rounds):
        with simulating() as simulator, run.scratch() as folder:
            variables = campaigns.environ(simulator.url, folder, MULTI)
            data = campaigns.parameters(run.segment(run.rows))
            ours.append(child.call(campaigns.run, data=data, variables=variables))
        with simulating() as simulator:
            tidy.append(run.prototype(simulator.url))
    yield row(
        f"whole campaign of {run.rows:,}, {BATCH} a call / tidy prototype",
        ratios(times(ours), times(tidy)),
        "×",
        at_most=2.1,
        beside=f"{seconds(times(ours))} / {seconds(times(tidy))}",
        server="simulator",
    )


def latency(run: Run) -> Iterator[Row]:
    """What 50 ms of a provider cost, and what the ledger costs beside them."""
    near, far, bare = [], [], []
    with Server() as server:
        for _ in range(run.rounds):
            near.append(run.campaign(server, run.rows, SIXTEEN))
            far.append(run.campaign(server, run.rows, SIXTEEN, latency_s=LATENCY_S))
            bare.append(run.campaign(server, run.rows, SIXTEEN, latency_s=LATENCY_S, ledger=False))
    yield row(
        f"whole campaign of {run.rows:,} with 50 ms / without latency, 16 at once",
        ratios(times(far), times(near)),
        "×",
        at_most=1.1,
        beside=f"{seconds(times(far))} / {seconds(times(near))}",
        server="bare",
    )
    sending = median(ratios(times(far, "send_s"), times(bare, "send_s")))
    yield row(
        f"whole campaign of {run.rows:,} with / without ledger, 50 ms, 16 at once",
        ratios(times(far), times(bare)),
        "×",
        at_most=1.2,
        beside=f"{seconds(times(far))} / {seconds(times(bare))}; sending alone {sending:.2f} ×",
        server="bare",
    )


def singles(run: Run) -> Iterator[Row]:
    """Personalised texts where every person needs a request."""
    people = 2_000 if run.quick else 10_000
    settings = {"concurrency": 16}
    kept, unkept = [], []
    with Server() as server:
        for _ in range(run.rounds):
            kept.append(run.campaign(server, people, settings))
            unkept.append(run.campaign(server, people, settings, ledger=False))
    without = median([people / s for s in times(unkept, "send_s")])
    yield row(
        f"single personalised sends, pacing off, 16 at once ({people:,})",
        [people / s for s in times(kept, "send_s")],
        "people/s",
        at_least=5000,
        beside=f"{seconds(times(kept, 'send_s'))}; without a ledger {without:,.0f} people/s",
        server="bare",
    )


def carriers(run: Run) -> Iterator[Row]:
    """The processor time of one request, by httpx against aiohttp."""
    requests = 1_000 if run.quick else 5_000
    found: dict[str, list[dict[str, float]]] = {name: [] for name in both.CARRIERS}
    with Server() as server:
        url = f"{server.url}/v2/sms/single_send.json"
        for _ in range(run.rounds):
            for name, each in found.items():
                each.append(child.call(both.carry, url=url, by=name, requests=requests))
    used = {name: times(each, "used_s") for name, each in found.items()}
    most = {name: median(1 / s for s in times(each)) for name, each in found.items()}
    yield row(
        f"processor time of a request, 16 at once: httpx / aiohttp ({requests:,})",
        ratios(used["httpx"], used["aiohttp"]),
        "×",
        beside=", ".join(
            f"{name} {median(used[name]) * 1e6:,.0f} µs, at most {most[name]:,.0f} requests/s"
            for name in used
        ),
        server="bare",
    )


def pacing(run: Run) -> Iterator[Row]:
    """How much of a configured limit is used, and that no second ever holds more."""
    limit = 500
    people = limit * (3 if run.quick else 10)
    settings = {"concurrency": 16, "requests_per_second": limit}
    shares, busiest = [], []
    with Server() as server:
        for _ in range(run.rounds):
            run.campaign(server, people, settings)
            noted = server.counts()
            shares.append(100 * (noted.requests - 1) / (noted.last_at - noted.first_at) / limit)
            busiest.append(noted.busiest)
    yield row(f"share of a limit of {limit}/s that is used", shares, "%", at_least=97, server="bare")
    yield row(
        "requests in the busiest of all seconds, wherever it begins",
        [max(busiest)],
        "requests",
        at_most=limit,
        beside=f"by round: {', '.join(map(str, busiest))}",
        server="bare",
    )


@dataclass(frozen=True)
class _Case:
    """How a provider is measured: what it is sent, how many at once, and what it has to be told."""

    provider: str
    words: str
    template: str
    settings: Mapping[str, object]
    template_id: str = ""


# A value many people share, so that equal ones fill a call.
_GROUPED = "{city}的朋友你好，请于3天内在App领取优惠券。拒收请回复R"
_CASES = (
    _Case("aliyun", "100 a call", segments.TEMPLATE, {"concurrency": 16}, "SMS_1"),
    _Case("chuanglan", "1000 a call", segments.TEMPLATE, {"concurrency": 8, "batch_size": 1000}),
    _Case("tencent", "200 with equal values a call", _GROUPED, {"concurrency": 16}, "1"),
)


def providers(run: Run) -> Iterator[Row]:
    """The other providers against loops over their vendors' clients; one that is not there yet says so."""
    for case in _CASES:
        try:
            yield _provider(run, case, people=min(run.rows // 4, 200_000))
        except child.JobFailed as error:
            yield Row(f"{case.provider}, {case.words}", "not measured", goal="≥ 150 ×", beside=str(error))


def _provider(run: Run, case: _Case, people: int) -> Row:
    from smskit.message.template import Form, Template

    sample = 50 if run.quick else 300
    names = [name for name in segments.VARIABLES if f"{{{name}}}" in case.template]
    parameters = {
        "template": case.template,
        "template_id": case.template_id,
        "variables": {name: name for name in names},
    }
    approved = Template.parse(case.template).write(Form(case.provider), with_signature=False)
    ours, loop_s = [], []
    with Server(approved) as server:
        for _ in range(run.rounds):
            ours.append(
                run.campaign(server, people, case.settings, provider=case.provider, parameters=parameters)
            )
            loop_s.append(people * run.loop(server, case.provider, sample, template=case.template))
    return row(
        f"{case.provider}: loop over the vendor's client ({sample} measured) / campaign, {case.words}",
        ratios(loop_s, times(ours)),
        "×",
        at_least=150,
        beside=f"{seconds(loop_s)} / {seconds(times(ours))} for {people:,}",
        server="bare",
    )
