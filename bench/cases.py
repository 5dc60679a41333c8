"""
The benches: each yields rows of the table, running its jobs in turn, round by round.

A goal is copied from the project's page of figures to reach; nothing here
decides what is good.
"""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from bench import brought, campaigns, child, loops, prototype, segments
from bench import carriers as both
from bench.server import Server
from bench.sharing import senders
from bench.table import Row, ratios, row, seconds

_BATCH = 1000
_MULTI: dict[str, object] = {"multi_send": True, "batch_size": _BATCH, "concurrency": 8}
_SIXTEEN = _MULTI | {"concurrency": 16}
_LATENCY_S = 0.05


@dataclass
class Run:
    """
    How much is measured, and where it is kept meanwhile.

    Args:
        rows: People of the large campaigns.
        rounds: How often each thing is timed.
        quick: Smaller samples for everything that does not depend on *rows*.
    """

    rows: int
    folder: Path
    rounds: int = 3
    quick: bool = False
    _segments: dict[int, str] = field(default_factory=dict)

    def segment(self, people: int) -> str:
        """A Parquet file of *people* who pass the rules; made once."""
        if people not in self._segments:
            path = str(self.folder / f"segment-{people}.parquet")
            child.call(segments.write, people=people, path=path)
            self._segments[people] = path
        return self._segments[people]

    @contextmanager
    def scratch(self) -> Iterator[str]:
        """A folder for one ledger, gone afterwards."""
        with TemporaryDirectory(dir=self.folder) as folder:
            yield folder

    def campaign(
        self,
        server: Server,
        people: int,
        settings: Mapping[str, object],
        *,
        provider: str = "yunpian",
        latency_s: float = 0.0,
        ledger: bool = True,
        parameters: Mapping[str, Any] | None = None,
    ) -> dict[str, float]:
        """
        One whole campaign in a fresh process, with a fresh ledger.

        Raises:
            JobFailed: not everybody was accepted, in the ledger's and the server's count.
        """
        server.reset(latency_s=latency_s)
        with self.scratch() as folder:
            done: dict[str, float] = child.call(
                campaigns.run,
                data=campaigns.parameters(self.segment(people), provider, **(parameters or {})),
                variables=campaigns.environ(server.url, folder, settings, provider),
                ledger=ledger,
            )
        came = server.counts().people
        if not done["accepted"] == came == people:
            raise child.JobFailed(f"{people:,} people, {done['accepted']:,} accepted, {came:,} came")
        return done

    def prototype(self, url: str) -> dict[str, float]:
        """
        The tidy prototype over the same people.

        Raises:
            JobFailed: not everybody was accepted.
        """
        with self.scratch() as folder:
            done: dict[str, float] = child.call(
                prototype.run,
                segment=self.segment(self.rows),
                url=url,
                folder=folder,
                concurrency=8,
                batch=_BATCH,
            )
        if done["accepted"] != self.rows:
            raise child.JobFailed(f"the prototype got {done['accepted']:,} of {self.rows:,} accepted")
        return done

    def loop(
        self,
        server: Server,
        provider: str,
        people: int,
        *,
        template: str = segments.TEMPLATE,
        record: bool = False,
    ) -> float:
        """Seconds a person that a loop over the vendor's client takes."""
        server.reset()
        with self.scratch() as folder:
            done = child.call(
                loops.run,
                provider=provider,
                segment=self.segment(self.rows),
                url=server.url,
                folder=folder,
                people=people,
                template=template,
                record=record,
            )
        return float(done["each_s"])


def _times(found: list[dict[str, float]], name: str = "total_s") -> list[float]:
    return [one[name] for one in found]


# -- planning -------------------------------------------------------------------------------


def plan(run: Run) -> Iterator[Row]:
    """A plan against the sum of what it cannot do without."""
    for messy, words in ((False, "clean phones"), (True, "phones as exports hold them")):
        found = child.call(campaigns.plan, people=run.rows, messy=messy, rounds=5)
        steps = [name for name in found if name not in ("plan", "floors", "distinct")]
        beside = f"{seconds(found['plan'])} / {seconds(found['floors'])} ("
        beside += ", ".join(f"{name} {seconds(found[name])}" for name in steps)
        beside += f"); telling user ids apart, not in the floors: {seconds(found['distinct'])}"
        yield row(
            f"plan of {run.rows:,} rows / floors of its parts, {words}",
            ratios(found["plan"], found["floors"]),
            "×",
            at_most=2.0,
            beside=beside,
        )


def phones(run: Run) -> Iterator[Row]:
    """Phones by column against the library row by row."""
    sample = 5_000 if run.quick else 20_000
    found = child.call(campaigns.phones, cells=run.rows, sample=sample, rounds=3)
    yield row(
        "`phonenumbers` row by row / phones by column, as exports hold them",
        ratios(found["each"], found["ours"]),
        "×",
        at_least=30,
        beside=f"{_million(found['each'])} / {_million(found['ours'])} a million",
    )


def bodies(run: Run) -> Iterator[Row]:
    """Form bodies by column against quote and urlencode."""
    people = min(run.rows, 300_000)
    sample = 5_000 if run.quick else 20_000
    found = child.call(campaigns.bodies, people=people, sample=sample, rounds=3)
    yield row(
        "`quote_plus` a text + `urlencode` / `multi_send` bodies by column, equal byte for byte",
        ratios(found["stdlib"], found["ours"]),
        "×",
        at_least=10,
        beside=f"{_million(found['stdlib'])} / {_million(found['ours'])} a million",
    )


def _million(each: list[float]) -> str:
    return seconds([1e6 * s for s in each])


# -- sending --------------------------------------------------------------------------------


def campaign(run: Run) -> Iterator[Row]:
    """A whole campaign against the tidy prototype and against a loop over the vendor's SDK."""
    n = run.rows
    sample, few = (500, 50) if run.quick else (2000, 500)
    ours, tidy, plain, recorded = [], [], [], []
    with Server() as server:
        for _ in range(run.rounds):
            ours.append(run.campaign(server, n, _MULTI))
            server.reset()
            tidy.append(run.prototype(server.url))
            plain.append(n * run.loop(server, "yunpian", sample))
            recorded.append(n * run.loop(server, "yunpian", few, record=True))
    total, tidy_s = _times(ours), _times(tidy)
    yield row(
        f"whole campaign of {n:,}, {_BATCH} a call / tidy prototype",
        ratios(total, tidy_s),
        "×",
        at_most=2.1,
        beside=f"{seconds(total)} (plan {seconds(_times(ours, 'plan_s'))}) / {seconds(tidy_s)}",
        server="bare",
    )
    yield row("the same in seconds (goal: 12 s a million)", total, "s", at_most=12.0 * n / 1e6, server="bare")
    for loop_s, measured, words, goal in (
        (recorded, few, "that commits each person", 300),
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
        with _simulator() as simulator, run.scratch() as folder:
            variables = campaigns.environ(simulator.url, folder, _MULTI)
            data = campaigns.parameters(run.segment(run.rows))
            ours.append(child.call(campaigns.run, data=data, variables=variables))
        with _simulator() as simulator:
            tidy.append(run.prototype(simulator.url))
    yield row(
        f"whole campaign of {run.rows:,}, {_BATCH} a call / tidy prototype",
        ratios(_times(ours), _times(tidy)),
        "×",
        at_most=2.1,
        beside=f"{seconds(_times(ours))} / {seconds(_times(tidy))}",
        server="simulator",
    )


def latency(run: Run) -> Iterator[Row]:
    """What 50 ms of a provider cost, and what the ledger costs beside them."""
    near, far, bare = [], [], []
    with Server() as server:
        for _ in range(run.rounds):
            near.append(run.campaign(server, run.rows, _SIXTEEN))
            far.append(run.campaign(server, run.rows, _SIXTEEN, latency_s=_LATENCY_S))
            bare.append(run.campaign(server, run.rows, _SIXTEEN, latency_s=_LATENCY_S, ledger=False))
    yield row(
        f"whole campaign of {run.rows:,} with 50 ms / without latency, 16 at once",
        ratios(_times(far), _times(near)),
        "×",
        at_most=1.15,
        beside=f"{seconds(_times(far))} / {seconds(_times(near))}",
        server="bare",
    )
    sending = median(ratios(_times(far, "send_s"), _times(bare, "send_s")))
    yield row(
        f"whole campaign of {run.rows:,} with / without ledger, 50 ms, 16 at once",
        ratios(_times(far), _times(bare)),
        "×",
        at_most=1.3,
        beside=f"{seconds(_times(far))} / {seconds(_times(bare))}; sending alone {sending:.2f} ×",
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
    without = median([people / s for s in _times(unkept, "send_s")])
    yield row(
        f"single personalised sends, pacing off, 16 at once ({people:,})",
        [people / s for s in _times(kept, "send_s")],
        "people/s",
        at_least=3000,
        beside=f"{seconds(_times(kept, 'send_s'))}; without a ledger {without:,.0f} people/s",
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
    used = {name: _times(each, "used_s") for name, each in found.items()}
    most = {name: median(1 / s for s in _times(each)) for name, each in found.items()}
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
    yield row(f"share of a limit of {limit}/s that is used", shares, "%", at_least=95, server="bare")
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
            yield Row(f"{case.provider}, {case.words}", "not measured", goal="≥ 50 ×", beside=str(error))


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
        ratios(loop_s, _times(ours)),
        "×",
        at_least=50,
        beside=f"{seconds(loop_s)} / {seconds(_times(ours))} for {people:,}",
        server="bare",
    )


# -- memory and growth ----------------------------------------------------------------------


def memory(run: Run) -> Iterator[Row]:
    """Peaks above the loaded frame, phase by phase."""
    with Server() as server:
        for people in (run.rows, 3 * run.rows):
            data = campaigns.parameters(run.segment(people))
            found, alone = [], []
            for _ in range(run.rounds if people == run.rows else 1):
                with run.scratch() as folder:
                    variables = campaigns.environ(server.url, folder, _MULTI)
                    found.append(child.call(campaigns.memory, data=data, variables=variables))
                with run.scratch() as folder:
                    variables = campaigns.environ(server.url, folder, _MULTI)
                    child.call(campaigns.freeze, data=data, variables=variables)
                    alone.append(child.call(campaigns.send_memory, data=data, variables=variables))
            yield row(
                f"peak memory above the loaded frame, {people:,} people",
                [max(one["plan"], one["send"]) for one in found],
                "MiB",
                at_most=150,
                beside=f"planning {_mib(found, 'plan')}, kept by the plan {_mib(found, 'kept')}, "
                f"sending {_mib(found, 'send')}; the frame itself {_mib(found, 'frame')}; "
                f"sending what is frozen, above the imports, {_mib(alone, 'send')}",
                server="bare",
            )


def _mib(found: list[dict[str, float]], name: str) -> str:
    return f"{median(_times(found, name)):.0f} MiB"


def growth(run: Run) -> Iterator[Row]:
    """Ten times the people."""
    large, small = 3 * run.rows, 3 * run.rows // 10
    much, little = [], []
    with Server() as server:
        for _ in range(run.rounds):
            much.append(run.campaign(server, large, _MULTI))
            little.append(run.campaign(server, small, _MULTI))
    yield row(
        f"whole campaign of {large:,} / of {small:,}",
        ratios(_times(much), _times(little)),
        "×",
        at_most=11,
        beside=f"{seconds(_times(much))} / {seconds(_times(little))}",
        server="bare",
    )


# -- being killed ---------------------------------------------------------------------------


def kill(run: Run) -> Iterator[Row]:
    """One campaign killed three times and resumed by command line each time; the simulator is the judge."""
    concurrency, batch = 16, 50 if run.quick else 200
    settings = _SIXTEEN | {"batch_size": batch, "record_lag_s": 1}
    uncertain: list[int] = []
    started: list[float] = []
    with _simulator() as simulator, run.scratch() as folder:
        simulator.latency(_LATENCY_S)
        variables = campaigns.environ(simulator.url, folder, settings)
        data = campaigns.parameters(run.segment(run.rows))
        process = child.start(campaigns.run, data=data, variables=variables)
        for share in (0.2, 0.4, 0.6):
            simulator.wait_for(int(share * run.rows), process)
            process.kill()
            process.wait()
            uncertain.append(child.call(campaigns.books, variables=variables)["submitting"])
            started.append(time.time())
            process = campaigns.command(variables, "resume", campaigns.NAME, "--mode", "live")
        simulator.wait_for(int(0.7 * run.rows), process)
        simulator.latency(0.0)
        status, took = process.wait(), time.time() - started[-1]
        after = child.call(campaigns.books, variables=variables)
        judged, times = simulator.summary(), simulator.times()
    yield row(
        f"people uncertain after a kill, of {run.rows:,}; {concurrency} at once × {batch}",
        [max(uncertain)],
        "people",
        at_most=concurrency * batch,
        beside=f"by kill: {', '.join(f'{n:,}' for n in uncertain)}",
        server="simulator",
    )
    yield row(
        "messaged twice, or not at all, after three kills",
        [judged["doubled"] + run.rows - judged["phones"]],
        "people",
        at_most=0,
        beside=f"{after['accepted']:,} accepted, {after['unknown']:,} unknown, {after['waiting']:,} waiting; "
        f"the last run, which asked about {sum(uncertain):,}, took {took:.0f} s and ended with {status}",
        server="simulator",
    )
    yield row(
        "first new message after `smskit resume` starts",
        [min(at for at in times if at > start) - start for start in started],
        "s",
        at_most=2.0,
        server="simulator",
    )


class _Simulator:
    """The built-in simulator in a child process, steered through its control routes."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self._token = url, token

    def register(self) -> None:
        """Open the accounts: of `campaigns`, and of the prototype."""
        for credential in (campaigns.YUNPIAN_KEY, "0" * 32):
            account = {"provider": "yunpian", "credential": credential}
            self._ask("account", account | {"signatures": [segments.SIGNATURE]})

    def latency(self, seconds: float) -> None:
        """Answer everything that late."""
        self._ask("faults", {"latency_s": seconds}, method="PUT")

    def summary(self) -> dict[str, Any]:
        """The judge's figures."""
        return dict(orjson.loads(self._ask("")))

    def times(self) -> list[float]:
        """When each message was accepted."""
        return [orjson.loads(line)["at"] for line in self._ask("messages").splitlines()]

    def wait_for(self, accepted: int, process: subprocess.Popen[bytes]) -> None:
        """
        Return when that many were accepted.

        Raises:
            JobFailed: *process* ended before.
        """
        while self.summary()["accepted"] < accepted:
            if process.poll() is not None:
                raise child.JobFailed(f"the run ended by itself with {process.returncode}")
            time.sleep(0.05)

    def _ask(self, path: str, data: Any = None, method: str | None = None) -> bytes:
        body = None if data is None else orjson.dumps(data)
        headers = {"x-smskit-token": self._token}
        request = urllib.request.Request(f"{self.url}/_simulator/{path}", body, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return bytes(answer.read())


@contextmanager
def _simulator() -> Iterator[_Simulator]:
    command = [sys.executable, "-m", "smskit", "simulator", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=child.ROOT)
    try:
        assert process.stdout is not None
        url, _, token = (process.stdout.readline().decode().strip() for _ in range(3))
        simulator = _Simulator(url.split()[-1], token.partition("=")[2])
        simulator.register()
        yield simulator
    finally:
        process.terminate()
        process.wait()


# -- reading back, and starting ---------------------------------------------------------------


def reading(run: Run) -> Iterator[Row]:
    """``status`` and ``why`` on a finished campaign, as functions and as commands."""
    segment = run.segment(run.rows)
    with Server() as server, run.scratch() as folder:
        variables = campaigns.environ(server.url, folder, _MULTI)
        child.call(campaigns.run, data=campaigns.parameters(segment), variables=variables)
        persons = _some_people(segment)
        found = child.call(campaigns.read_back, variables=variables, persons=persons, rounds=5)
        for name, goal in (("status", 0.3), ("why", 0.1)):
            yield row(f"`report.{name}` on {run.rows:,}, ledger open", found[name], "s", at_most=goal)
        nothing = [_python("pass") for _ in range(3)]
        for name, arguments, goal in (("status", (), 0.3), ("why", (persons[-1],), 0.1)):
            command = (name, campaigns.NAME, *arguments, "--mode", "live")
            yield row(
                f"`smskit {name}` on {run.rows:,}, with interpreter and imports",
                [campaigns.clocked(variables, *command) for _ in range(run.rounds)],
                "s",
                at_most=goal,
                beside=f"`python -c pass` {seconds(nothing)}",
            )


def _some_people(segment: str) -> list[str]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(segment, columns=["user_id", "phone", "level"])
    good = table.filter(pc.field("level").isin(list(segments.LEVELS)))
    n = len(good)
    places = (("user_id", n // 2), ("phone", n // 3), ("user_id", n - 1))
    return [good[column][at].as_py() for column, at in places]


def measure(run: Run) -> Iterator[Row]:
    """What a campaign brought, draws and all; and a table of many rows."""
    for people, buyers, rows, goal in (
        (run.rows, run.rows // 50, run.rows // 20, 5.0),
        (run.rows, run.rows // 5, run.rows * 10, 60.0),
    ):
        with run.scratch() as folder:
            found = child.call(
                brought.measure, people=people, buyers=buyers, rows=rows, folder=folder, rounds=run.rounds
            )
        yield row(
            f"`smskit.measure` of {people:,} people, {buyers:,} buyers, {rows:,} rows",
            found["total_s"],
            "s",
            at_most=goal,
            beside=f"peak above the imports {_mib([{'peak': found['peak_mib'][0]}], 'peak')}",
        )


_LATE = (
    *("IPython", "ipywidgets", "jupyter_client", "jupyter_core", "nbclient", "nbconvert", "papermill"),
    *("altair", "openpyxl", "keyring", "aiohttp", "starlette", "uvicorn", "smskit.simulator"),
    *(f"smskit.providers.{name}" for name in ("aliyun", "chuanglan", "generic", "tencent", "yunpian")),
)


def startup(run: Run) -> Iterator[Row]:
    """What importing costs beside importing pandas, and what must not come with it."""
    pandas, bare, first = [], [], []
    for _ in range(3 if run.quick else 7):
        pandas.append(_python("import pandas"))
        bare.append(_python("import smskit"))
        first.append(_python("from smskit import CampaignSpec, open_campaign"))
    yield _start("`import smskit`", bare, pandas)
    yield _start("`from smskit import CampaignSpec, open_campaign`", first, pandas)
    code = f"import sys, smskit; smskit.open_campaign; print(*set({_LATE!r}).intersection(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=child.ROOT
    )
    early = done.stdout.split()
    yield row(
        "loaded before it is used, of Jupyter, altair, each provider, the simulator",
        [len(early)],
        "modules",
        at_most=0,
        beside=", ".join(early),
    )


def _start(words: str, found: list[float], pandas: list[float]) -> Row:
    more = [a - b for a, b in zip(found, pandas, strict=True)]
    beside = f"{seconds(found)} - {seconds(pandas)}"
    return row(f"{words} - `import pandas`", more, "s", at_most=0.25, beside=beside)


def _python(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=child.ROOT)
    return time.perf_counter() - started


def browser(run: Run) -> Iterator[Row]:
    """What somebody waits for in JupyterLab; needs Debian's Chromium."""
    from bench.browser import waits

    yield from waits(run.rounds)


BENCHES: dict[str, Callable[[Run], Iterator[Row]]] = {
    bench.__name__: bench
    for bench in (
        plan,
        phones,
        bodies,
        campaign,
        simulated,
        latency,
        singles,
        carriers,
        pacing,
        senders,
        providers,
        memory,
        growth,
        kill,
        reading,
        measure,
        startup,
        browser,
    )
}
