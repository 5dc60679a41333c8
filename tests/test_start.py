"""Notebook 00 and what it shows: all campaigns, counted at once and as everywhere else."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from smskit.cli.commands import app
from smskit.errors import GuardRefused
from smskit.i18n import LANGUAGES, Language
from smskit.ledger import CampaignRow, Change, Facts, Frozen, Ledger
from smskit.models import Answer, Kind, Mode, Reply, State
from smskit.notebook import open_effect, open_notebook, open_start, open_track
from smskit.notebook.home import Home
from smskit.notebook.host import Host
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.start import StartPanel
from smskit.notebook.panels.track import TrackPanel
from smskit.notebook.tracker import Tracker
from smskit.planning.draft import Draft
from smskit.reporting import report
from smskit.reporting.delivery import Overview, choose, overview
from smskit.settings import APP_MAY, OPEN_WITH
from smskit.settings.places import APP_WORKSPACE
from smskit.simulator import Simulator
from smskit.workspace import May
from tests import live
from tests.clicking import named, names, parts, told
from tests.conftest import ROOT
from tests.messages import foreign

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST = 8613800000000
KINDS = {"person": pa.large_string(), "phone": pa.int64(), "shown": pa.large_string(), "reason": pa.uint8()}


class Book:
    """A ledger with a clock of its own, and campaigns made without anybody who sends."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.now = datetime(2026, 11, 2, 10, tzinfo=SHANGHAI).timestamp()
        ledger.database.clock = lambda: self.now

    def campaign(
        self,
        name: str,
        mode: Mode = Mode.LIVE,
        *,
        people: int = 10,
        accepted: int = 0,
        delivered: int = 0,
        unknown: int = 0,
        state: str = "finished",
        parts: int = 1,
        spec: dict[str, Any] | None = None,
        held: int = 0,
        **more: Any,
    ) -> CampaignRow:
        """One in which so many people are where they are; every third message has *parts* parts."""
        each = np.where(np.arange(people) % 3, 1, parts).astype(np.int16)
        total = int(each.sum())
        frozen = Frozen(
            np.arange(FIRST, FIRST + people, dtype=np.int64),
            pa.array([f"u{i}" for i in range(people)], pa.large_string()),
            {},
            each,
            pa.table({column: pa.array([], kind) for column, kind in KINDS.items()}),
            np.arange(people),
        )
        summary = {"template": "你好", "signature": "云片", "segment": people}
        summary |= {"excluded": {"holdout": held} if held else {}}
        summary |= {"parts": total, "cost": str(Decimal("0.05") * total), "planned": people}
        row = self.ledger.campaigns.freeze(
            name=name,
            mode=mode,
            provider="yunpian",
            plan_hash="q",
            spec={"campaign": name, "timezone": "Asia/Shanghai"} | (spec or {}),
            summary=summary,
            frozen=frozen,
            **more,
        )
        if mode is Mode.PLAN:
            return row
        taken = accepted + unknown
        self.move(row, "claim", range(taken), State.SUBMITTING)
        self.move(row, "outcome", range(accepted), State.ACCEPTED)
        self.move(row, "outcome", range(accepted, taken), State.UNKNOWN)
        self.move(row, "receipt", range(delivered), State.DELIVERED)
        self.ledger.campaigns.mark(row.id, state)
        return row

    def move(self, row: CampaignRow, kind: Any, at: range, to: State) -> None:
        if len(at):
            states = np.full(len(at), to, np.uint8)
            change = Change(kind, 0, np.array(at, np.uint16), states, Facts())
            self.ledger.changes.apply(row.id, [change], token=None)

    def opts_out(self, person: int, *, mode: Mode = Mode.LIVE) -> None:
        """Somebody replies now that they want no more."""
        at = datetime.fromtimestamp(self.now, SHANGHAI)
        reply = Reply(phone=str(FIRST + person), text="R", reply_id=f"{person}-{self.now}", at=at)
        self.ledger.replies.keep("yunpian", mode, [(reply, FIRST + person, Answer.OPT_OUT)])


@pytest.fixture
def book(ledger: Ledger) -> Book:
    return Book(ledger)


def selects(ledger: Ledger, work: Callable[[], Any]) -> int:
    """How many SELECTs that takes."""
    made: list[str] = []

    def watched(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        made.append(statement)

    sa.event.listen(ledger.database.engine, "before_cursor_execute", watched)
    work()
    sa.event.remove(ledger.database.engine, "before_cursor_execute", watched)
    return sum(statement.startswith("SELECT") for statement in made)


# -- the figures ---------------------------------------------------------------------------


def test_figures_are_those_of_status_and_of_04(book: Book) -> None:
    """Counts are those of the campaign's books, cost that of notebook 04, rates are of the accepted."""
    for number, (accepted, delivered) in enumerate([(7, 4), (10, 10), (0, 0)]):
        book.campaign(f"c{number}", people=10, accepted=accepted, delivered=delivered, unknown=0, parts=3)
        book.campaign(f"c{number}", Mode.REHEARSE, accepted=accepted, delivered=delivered)
    book.campaign("c0", Mode.PLAN, parts=2)
    found = overview(book.ledger)
    tracker = Tracker()

    assert len(found.campaigns) == 7
    for each in found.campaigns:
        books = report.status(book.ledger, each.row)
        tracker.choose(each.row.name, each.row.mode)
        line = found.frame[
            (found.frame["campaign"] == each.row.name) & (found.frame["mode"] == each.row.mode)
        ]

        assert {n: line[n].item() for n in books if n in line and n != "cost"} == {
            n: books[n] for n in books if n in line and n != "cost"
        }
        assert each.cost == tracker.count().figures.cost
        assert each.delivery_rate == (books["delivered"] / books["accepted"] if books["accepted"] else None)
    first = next(each for each in found.campaigns if (each.row.name, each.row.mode) == ("c0", Mode.LIVE))
    assert first.cost == Decimal("0.05") * 13  # of 10 people the first 7, among them three of 3 parts
    assert first.cost_per_delivered == first.cost / 4
    assert found.campaigns[-1].cost == Decimal("0.05") * 14


def test_any_number_of_campaigns_takes_six_queries() -> None:
    """500 campaigns, some with messages of several parts and some with opt-outs, as many SELECTs as one."""
    book = Book(Ledger("sqlite://"))
    book.campaign("c", people=9, accepted=5, delivered=4, parts=2)
    book.opts_out(1)
    one = selects(book.ledger, lambda: overview(book.ledger))
    for number in range(499):
        taken = number % 9 if number % 5 == 0 else 0
        book.campaign(f"c{number}", people=9, accepted=taken, delivered=taken // 2, parts=2)
    many = selects(book.ledger, lambda: overview(book.ledger))

    assert one == many <= 6
    assert len(overview(book.ledger).campaigns) == 500


def test_newest_live_first(book: Book) -> None:
    """Live ones come first, then rehearsals, then plans, each newest first; tests only where asked for."""
    book.ledger.campaigns.make_id("trial", kind=Kind.TEST, parent="new")
    for name, mode in (
        ("old", Mode.LIVE),
        ("new", Mode.PLAN),
        ("new", Mode.REHEARSE),
        ("new", Mode.LIVE),
        ("trial", Mode.LIVE),
        ("later", Mode.REHEARSE),
    ):
        book.campaign(name, mode)
    shown, everything = overview(book.ledger), overview(book.ledger, tests=True)

    def order(found: Overview) -> list[tuple[str, str]]:
        return list(zip(found.frame["campaign"], found.frame["mode"], strict=True))

    expected = [("new", "live"), ("old", "live"), ("later", "rehearse"), ("new", "rehearse"), ("new", "plan")]
    assert order(shown) == expected
    assert order(everything) == [("trial", "live"), *expected]
    assert (shown.tests, everything.tests) == (1, 0)
    assert order(overview(book.ledger, mode=Mode.LIVE)) == expected[:2]


@pytest.mark.parametrize(
    ("state", "owned", "shown", "unfinished"),
    [
        pytest.param("running", True, "running", True, id="at work"),
        pytest.param("running", False, "interrupted", True, id="whoever sent is dead"),
        pytest.param("planned", False, "interrupted", True, id="died before the first message"),
        pytest.param("paused", False, "paused", True, id="stopped"),
        pytest.param("finished", False, "finished", False, id="finished"),
    ],
)
def test_a_dead_run_is_interrupted(book: Book, state: str, owned: bool, shown: str, unfinished: bool) -> None:
    """What nobody works on any more does not read as running: in the list, its books and the command."""
    row = book.campaign("c", Mode.REHEARSE, accepted=3, state=state)
    book.campaign("c", Mode.PLAN)

    def look() -> tuple[Overview, str, str]:
        told = CliRunner().invoke(app, ["status"]).output
        now = book.ledger.campaigns.get("c", Mode.REHEARSE)
        assert now is not None
        return overview(book.ledger), report.status(book.ledger, now)["state"], told

    if owned:
        with book.ledger.senders.hold(row.id):
            found, books, told = look()
    else:
        found, books, told = look()

    assert found.campaigns[0].state == books == shown
    assert [each.row.id for each in found.unfinished] == ([row.id] if unfinished else [])
    assert shown in told.splitlines()[1].split()


def test_an_opt_out_counts_where_it_was_reached_last(book: Book) -> None:
    """A reply counts for the last campaign that had reached the person, once, and for no rehearsal."""
    first = book.campaign("week-1", accepted=10)
    book.opts_out(1)  # between the two
    book.now += 7 * 86400
    second = book.campaign("week-2", accepted=5)
    book.now += 3600
    book.opts_out(2)
    book.opts_out(3)
    book.now += 60
    book.opts_out(3)  # again
    book.opts_out(7)  # week-2 has not reached them yet
    book.campaign("trial", Mode.REHEARSE, accepted=10)
    found = {each.row.id: each for each in overview(book.ledger).campaigns}

    assert (found[first.id].opted_out, found[second.id].opted_out) == (2, 2)
    assert found[second.id].opt_out_rate == 2 / 5
    assert sum(each.opted_out for each in found.values()) == 4


def test_a_series_over_its_weeks(book: Book) -> None:
    """The campaigns of one series and mode, oldest first; one that was sent once is none."""
    for week in range(3):
        book.campaign(f"vip-{week}", accepted=8, delivered=5 + week, series="vip")
        book.now += 7 * 86400
    book.campaign("vip-0", Mode.REHEARSE, series="vip")
    book.campaign("once", accepted=1)
    found = overview(book.ledger)
    weeks = found.series("vip")

    assert found.repeating == [("vip", Mode.LIVE)]
    assert weeks["campaign"].tolist() == ["vip-0", "vip-1", "vip-2"]
    assert weeks["delivery_rate"].tolist() == [5 / 8, 6 / 8, 7 / 8]
    assert weeks["started"][0] == datetime(2026, 11, 2, 10, tzinfo=SHANGHAI)


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str], None]:
    """Changes the ledger's file as no program of ours would."""

    def change(statement: str) -> None:
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as other:
            other.execute(statement)
            other.commit()

    return change


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE campaign SET summary = '{}' WHERE name = 'bad'",
        "UPDATE progress SET states = x'00' WHERE campaign_id = (SELECT id FROM campaign WHERE name = 'bad')",
        "UPDATE content SET parts = x'00' WHERE campaign_id = (SELECT id FROM campaign WHERE name = 'bad')",
        "UPDATE audience SET phones = x'0' || x'' WHERE campaign_id IN "
        "(SELECT id FROM campaign WHERE name = 'bad')",
    ],
    ids=["row", "states", "parts", "phones"],
)
def test_a_damaged_campaign_hides_no_other(book: Book, changed: Callable[[str], None], damage: str) -> None:
    """It is named with what to do; the others are shown, and the command fails so that scripts see it."""
    for name in ("good", "bad", "fine"):
        book.campaign(name, accepted=5, parts=2)
    book.opts_out(1)
    changed(damage.replace("x'0' || x''", "x'01'"))
    found = overview(book.ledger)
    listed, as_data = (CliRunner().invoke(app, ["status", *more]) for more in ([], ["--json"]))

    assert [each.row.name for each in found.campaigns] == ["fine", "good"]
    assert [(each.name, each.mode) for each in found.damaged] == [("bad", "live")]
    assert selects(book.ledger, lambda: overview(book.ledger)) <= 6
    for done in (listed, as_data):
        assert done.exit_code == 1
        assert "campaign bad (live) is not as it was written" in done.output
        assert "good" in done.output


def test_nothing_yet(ledger: Ledger) -> None:
    """An empty ledger gives an empty table with all its columns."""
    found = overview(ledger)

    assert (len(found.campaigns), found.damaged, found.unfinished, found.repeating) == (0, [], [], [])
    assert {"campaign", "delivery_rate", "cost_per_delivered"} <= set(found.frame.columns)
    assert "no campaign yet" in CliRunner().invoke(app, ["status"]).output


def test_the_table_of_status_is_the_overview(book: Book) -> None:
    """`smskit status` prints the same figures, rates and dates in the same order, and says what it hides."""
    book.campaign("one", accepted=8, delivered=6, series="weekly")
    book.opts_out(2)
    book.ledger.campaigns.make_id("trial", kind=Kind.TEST, parent="one")
    book.campaign("trial")
    head, line, *_ = CliRunner().invoke(app, ["status"]).output.splitlines()
    shown = dict(zip(head.split(), line.replace("2026-11-02 10:00", "2026-11-02T10:00").split(), strict=True))
    hidden, asked = (CliRunner().invoke(app, ["status", *more]).output for more in ([], ["--tests"]))

    assert (shown["delivery_rate"], shown["opt_out_rate"]) == ("75.0%", "12.5%")
    assert (shown["cost"], shown["started"], shown["series"]) == ("¥0.40", "2026-11-02T10:00", "weekly")
    assert "1 test send is left out" in hidden
    assert "trial" not in hidden
    assert "trial" in asked
    assert pd.isna(overview(book.ledger, tests=True).frame["delivery_rate"][0])


def test_what_is_archived_is_in_no_list(book: Book) -> None:
    """
    Lists leave it out and say so; its series goes on having it, and by its name it answers as before.

    Who follows the newest campaign follows the newest that is not archived.
    """
    for week in range(3):
        book.campaign(f"vip-{week}", accepted=8, delivered=5, series="vip")
    book.campaign("over", accepted=10, delivered=9)

    def status() -> dict[str, Any]:
        row = book.ledger.campaigns.get("over", Mode.LIVE)
        assert row is not None
        return report.status(book.ledger, row)

    before = status()
    done = CliRunner().invoke(app, ["archive", "over"])
    assert CliRunner().invoke(app, ["archive", "vip-1"]).exit_code == 0
    found = overview(book.ledger)
    hidden, asked = (CliRunner().invoke(app, ["status", *more]).output for more in ([], ["--archived"]))
    as_data = json.loads(CliRunner().invoke(app, ["status", "--json"]).output)
    now = status()
    newest = choose(book.ledger)
    assert CliRunner().invoke(app, ["archive", "over", "--undo"]).exit_code == 0

    assert (done.exit_code, done.output) == (0, "")
    assert [each.row.name for each in found.campaigns] == ["vip-2", "vip-0"]
    assert [each.row.name for each in found.archived] == ["over", "vip-1"]
    assert [each.row.name for each in found.everything] == ["over", "vip-2", "vip-1", "vip-0"]
    assert found.series("vip")["campaign"].tolist() == ["vip-0", "vip-1", "vip-2"]
    assert "over" not in hidden
    assert "2 archived campaigns are left out: `--archived`" in hidden
    assert "finished, archived" in asked
    assert [each["campaign"] for each in as_data if each["archived_at"]] == ["vip-1", "over"]
    assert now.pop("archived_at") is not None
    assert now == {name: value for name, value in before.items() if name != "archived_at"}
    assert newest is not None
    assert newest.name == "vip-2"
    assert overview(book.ledger).campaigns[0].row.name == "over"


def test_what_people_wait_for_is_not_archived(book: Book) -> None:
    """What is live and not finished is refused, as is one that is sent; what goes on is listed again."""
    stopped = book.campaign("stopped", accepted=3, state="paused")
    trial = book.campaign("trial", Mode.REHEARSE, accepted=3, state="paused")
    over = book.campaign("over", accepted=10)
    refused = CliRunner().invoke(app, ["archive", "stopped"])
    with book.ledger.senders.hold(trial.id), pytest.raises(GuardRefused, match="trial is being sent"):
        book.ledger.campaigns.archive(trial.id)
    for row in (trial, over):
        book.ledger.campaigns.archive(row.id)
    book.ledger.campaigns.mark(over.id, "paused")  # an unknown is to be sent again
    put_away = [each.row.id for each in overview(book.ledger).archived]
    with book.ledger.senders.join(trial.id, share=False):
        resumed = [each.row.id for each in overview(book.ledger).campaigns]

    assert isinstance(refused.exception, GuardRefused)
    assert "stopped is live and not finished, so it cannot be archived" in str(refused.exception)
    assert put_away == [trial.id]
    assert resumed == [over.id, stopped.id, trial.id]
    assert overview(book.ledger).unfinished[0].row.id == over.id


# -- the panel -----------------------------------------------------------------------------


def panel(host: Host = Host.LAB, language: str = "en") -> StartPanel:
    """The panel, drawn and counted."""
    page = Page(Draft(), language=Language(language), host=host)
    made = StartPanel(page, Home())
    made.draw()
    assert page.wait()
    return made


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, in which everything happens."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_opening_makes_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a ledger the panel says how to begin, in both languages, and leaves no file behind."""
    monkeypatch.delenv("SMSKIT_DATABASE_URL")
    english, chinese = told(panel().widget), told(panel(language="zh").widget)
    frame = open_start({}).campaigns().frame

    assert "No campaign yet. Rehearse one: nobody gets a message by that." in english
    assert "03_send_campaign.ipynb" in english
    assert "No account is set up yet" in english
    assert "weekly-{week}" in english
    assert "还没有活动" in chinese
    assert len(frame) == 0
    assert [path.name for path in project.iterdir()] == ["pyproject.toml"]


def test_unfinished_ones_are_on_top(book: Book, project: Path) -> None:
    """Each says how many wait and has one button; what is finished, planned or a test has none."""
    book.campaign("done", accepted=10, delivered=9)
    book.campaign("plan", Mode.PLAN)
    book.campaign("stopped", accepted=3, unknown=2, state="paused")
    book.campaign("died", Mode.REHEARSE, accepted=4, state="running")
    shown = panel()
    buttons = [
        name for part in parts(shown.campaigns.widget) for name in names(part) if name.startswith("Go on")
    ]
    words = told(shown.campaigns.widget)

    assert sorted(set(buttons)) == ["Go on died →", "Go on stopped →"]
    assert "5 people still wait" in words
    assert "2 unknown" in words
    assert words.index("stopped") < words.index("90.0%")
    assert "¥0.50" in words


def test_one_click_opens_03_with_it(book: Book, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The click sends nothing and says what opens; 03 then opens with that campaign, once."""
    spec = {"campaign": "died", "segment": "s.csv", "signature": "GrowingIO", "template": "你好"}
    row = book.campaign("died", Mode.REHEARSE, accepted=4, state="running", spec=spec | {"mode": "rehearse"})
    monkeypatch.setenv("SMSKIT_INTERACTIVE", "1")
    shown = panel()
    before = book.ledger.audience.counts(row.id)
    named(shown.campaigns.widget, "Go on died →").click()
    words = told(shown.campaigns.widget)
    first, second = open_notebook({}), open_notebook({})

    assert "03_send_campaign.ipynb opens with died" in words
    assert (first.draft.campaign, first.draft["mode"]) == ("died", "rehearse")
    assert second.draft.campaign != "died"
    assert book.ledger.audience.counts(row.id) == before


def test_what_is_running_is_followed_in_04(
    book: Book, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is being sent has a button to 04, and each name is one: it opens with that one, not the newest."""
    finished = book.campaign("finished", accepted=1)
    row = book.campaign("at-work", accepted=4, state="running")
    book.campaign("newest", accepted=1)
    monkeypatch.setenv("SMSKIT_INTERACTIVE", "1")
    with book.ledger.senders.hold(row.id):
        named(panel().campaigns.widget, "Follow at-work →").click()
    opened = open_track({})
    shown = panel()
    shown.campaigns._table.press(f"open:{finished.id}")
    again = open_track({})

    assert opened.tracker.row.name == "at-work"
    assert again.tracker.row.name == "finished"
    assert "04_track_delivery.ipynb opens with finished" in told(shown.campaigns.widget)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_over_and_kept_people_back_leads_to_05(
    book: Book, project: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    """A finished campaign with a holdout has a link there, in the app by its address; no other one has."""
    pytest.importorskip("jupyter_server")
    from smskit.notebook.app.campaigns import as_html

    book.campaign("bare", accepted=10)
    book.campaign("open", accepted=4, state="paused", held=3)
    book.ledger.campaigns.make_id("spring.test-1", kind=Kind.TEST, parent="spring")
    book.campaign("spring.test-1", held=3)
    row = book.campaign("spring", accepted=10, held=3)
    book.campaign("newest", accepted=10, held=3)
    monkeypatch.setenv("SMSKIT_INTERACTIVE", "1")
    shown = panel(language=language)
    words = Language(language)("What it brought →")
    links = told(shown.campaigns.widget).count(words)
    shown.campaigns._table.press(f"effect:{row.id}")
    opened = open_effect({})
    address = '05_measure_effect.ipynb?campaign=spring&amp;mode=live"'

    assert links == 2
    assert opened.measurer.row is not None
    assert opened.measurer.row.name == "spring"
    assert address in told(panel(Host.VOILA, language).campaigns.widget)
    assert as_html(Home(), "/voila/render/").count(f"/voila/render/{address}") == 2  # languages


def test_in_the_app_the_address_says_which(
    book: Book, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it is a link; the page's kernel gets the campaign from its address, and nothing else of it."""
    from smskit.notebook.app.kernels import kernel_environment

    spec = {"campaign": "双十二", "segment": "s.csv", "mode": "live"}
    book.campaign("双十二", accepted=4, state="paused", spec=spec)
    words = told(panel(Host.VOILA, "zh").campaigns.widget)
    address = words.split('href="03_send_campaign.ipynb?')[1].split('"')[0].replace("&amp;", "&")
    kernel = kernel_environment({"QUERY_STRING": f"{address}&token=secret"}, project)
    nothing = kernel_environment({"QUERY_STRING": "campaign=x&mode=any"}, project)
    monkeypatch.setenv("SMSKIT_INTERACTIVE", "1")
    monkeypatch.setenv(OPEN_WITH, kernel[OPEN_WITH])

    assert "secret" not in str(kernel)
    assert OPEN_WITH not in nothing
    assert open_notebook({}).draft.campaign == "双十二"


def test_the_apps_first_page_has_the_same(book: Book, project: Path) -> None:
    """The same figures in both languages, unfinished ones with a way to go on; names are escaped."""
    pytest.importorskip("jupyter_server")
    from smskit.notebook.app.campaigns import as_html

    empty = as_html(Home(), "/voila/render/")
    book.campaign("<b>双十二</b>", accepted=10, delivered=8)
    book.campaign("at-work", accepted=4, state="paused")
    (project / "weekly.yaml").write_text(
        "campaign: vip-{week}\nsegment: s.csv\nmode: live\n", encoding="utf-8"
    )
    page = as_html(Home(), "/voila/render/")
    chinese, english = page.split('<div class="smskit-en"')

    assert "<table" not in empty
    for part, state in ((chinese, "已暂停"), (english, "paused")):
        assert "80.0%" in part
        assert "¥0.50" in part
        assert '<td class="n">—</td>' in part  # at-work has no receipt yet
        assert "&lt;b&gt;双十二&lt;/b&gt;" in part
        assert state in part
        assert "/voila/render/03_send_campaign.ipynb?campaign=at-work&amp;mode=live" in part
        assert "vip-2" in part
    assert foreign(re.sub("<[^>]*>|双十二", "", english), "en") == []


def test_two_beside_each_other(book: Book, project: Path) -> None:
    """At first the newest and the one before it of its series; rates differ in points."""
    book.campaign("vip-1", accepted=10, delivered=8, series="vip")
    book.campaign("other", accepted=2)
    book.campaign("vip-2", accepted=10, delivered=9, series="vip")
    shown = panel()
    first = told(shown.compare.widget)
    named(shown.compare.widget, "beside").value = ("other", Mode.LIVE)
    second = told(shown.compare.widget)
    table = open_start({}).compare("vip-2", "vip-1").frame

    assert "+10.0 points" in first
    assert "−¥0.0069" in first  # for each delivered: 0.5 / 9 and 0.5 / 8
    assert "+8" in second
    assert "—" in second  # other has no receipt yet
    assert table["difference"].tolist()[:4] == ["0", "0", "+1", "+10.0 points"]
    assert "vip-2" in told(shown.series.widget)


def test_what_runs_next(book: Book, project: Path) -> None:
    """Repeating parameter files: this occurrence and how far it is, the next one, when messages may leave."""
    spec = "segment: s.csv\nsignature: S\ntemplate: 你好，拒收请回复R\nmode: live\n"
    (project / "campaigns").mkdir()
    (project / "weekly.yaml").write_text("campaign: vip-{week}\n" + spec, encoding="utf-8")
    (project / "campaigns" / "daily.yaml").write_text("campaign: d-{day}\n" + spec, encoding="utf-8")
    (project / "campaign.yaml").write_text("campaign: once\n" + spec, encoding="utf-8")
    (project / "broken.yaml").write_text("campaign: x-{year}\n: [", encoding="utf-8")
    (project / "other.yml").write_text("name: of something else\n", encoding="utf-8")
    book.campaign("vip-2026-W48", accepted=1, state="paused", series="vip")
    now = datetime(2026, 11, 25, 21, 30, tzinfo=SHANGHAI)  # a Wednesday
    found = {each.file: each for each in Home().upcoming(now=now)}

    assert list(found) == ["campaigns/daily.yaml", "weekly.yaml"]
    weekly, daily = found["weekly.yaml"], found["campaigns/daily.yaml"]
    assert (weekly.about.spec.campaign, weekly.state) == ("vip-2026-W48", "paused")
    assert (weekly.about.next_id, f"{weekly.about.next_from:%m-%d %H:%M}") == ("vip-2026-W49", "11-30 00:00")
    assert (daily.about.spec.campaign, daily.about.next_id, daily.state) == (
        "d-2026-11-25",
        "d-2026-11-26",
        "",
    )
    assert daily.about.opens == datetime(2026, 11, 26, 8, tzinfo=SHANGHAI)
    assert "weekly.yaml" in told(panel().coming.widget)


def test_providers_are_asked_at_a_click_alone(
    simulator: Simulator, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening asks nobody; a click brings state and balance, and one that does not answer stops nobody."""
    pytest.importorskip("jupyter_server")
    from smskit.notebook.app.campaigns import as_html

    live.approve(simulator, live.SINGLES, balance="812.35")
    live.approve(simulator, live.TENCENT)
    environ = live.SINGLES.environ(simulator.url, project) | live.TENCENT.environ(simulator.url, project)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    shown = panel()
    before = told(shown.providers.widget)
    untouched = {each.name: each.at for each in Home().accounts()}
    asked = Home.ask
    monkeypatch.setattr(
        Home, "ask", lambda home, name: asked(home, name, limit_s=0.0 if name == "tencent" else 12.0)
    )
    named(shown.providers.widget, "Ask for state and balance").click()
    assert shown.page.wait()
    after = told(shown.providers.widget)
    first_page = as_html(Home(), "/voila/render/")

    assert first_page.count("812.35") == len(LANGUAGES)
    assert untouched["yunpian"] is None
    assert "812.35" not in before
    assert "verified" in after
    assert "no answer within 0 seconds" in after


def test_many_campaigns_are_paged(project: Path, book: Book) -> None:
    """25 at once; the last page is reached by its button, and a test send is shown where asked for."""
    book.ledger.campaigns.make_id("trial", kind=Kind.TEST, parent="c0")
    for name in [f"c{n}" for n in range(30)] + ["trial"]:
        book.campaign(name, people=1)
    shown = panel()
    first = told(shown.campaigns.widget)
    named(shown.campaigns.widget, "Last page").click()
    last = told(shown.campaigns.widget)
    named(shown.campaigns.widget, "Show test sends").value = True
    assert shown.page.wait()

    assert "1 to 25 of 30 campaigns" in first
    assert "26 to 30 of 30 campaigns" in last
    assert "c0" in last
    assert shown.campaigns.pager.total == 31


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_click_archives_and_takes_out_again(book: Book, project: Path, language: str) -> None:
    """It leaves the table at once, is shown where a person wants archived ones, and comes back by a click."""
    row, other = book.campaign("over", accepted=10), book.campaign("stopped", accepted=2, state="paused")
    book.campaign("newest", accepted=1)
    t, shown = Language(language), panel(language=language)
    table, section = shown.campaigns._table, shown.campaigns.widget

    def press(which: int) -> str:
        table.press(f"archive:{which}")
        assert shown.page.wait()
        return str(table.value)

    before, after = str(table.value), press(row.id)
    said = told(section)
    tick = named(section, t("Show archived"))
    tick.value = True
    with_it = str(table.value)
    back = press(row.id)
    refused = press(other.id)

    assert ("over" in before, "over" in after, "over" in with_it) == (True, False, True)
    assert t("{campaign} is archived: lists leave it out, and nothing else changes.", campaign="over") in said
    assert (t("Unarchive") in with_it, t("Unarchive") in back) == (True, False)
    assert tick.layout.display == "none"
    assert ("stopped" in refused, t("live and not finished") in told(section)) == (True, language == "en")
    assert (t("Archive") in before) is True
    assert open_start({}).campaigns().frame["campaign"].tolist() == ["newest", "stopped", "over"]


def test_who_may_look_alone_archives_nothing(
    book: Book, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the app there is a button for those whom its operator lets; 04 lists none that is archived."""
    book.campaign("over", accepted=10)
    book.campaign("trial", Mode.REHEARSE, accepted=10)
    monkeypatch.setenv(APP_WORKSPACE, str(project))
    counts = {}
    for may in May:
        monkeypatch.setenv(APP_MAY, may)
        counts[may] = told(panel(Host.VOILA).campaigns.widget).count("data-press")
    Home().archive("over", Mode.LIVE)
    track = TrackPanel(Page(Draft(), language=Language("en"), host=Host.VOILA), Tracker())
    track.tracker.choose("trial")
    track.draw()
    listed = [each.row.name for each in track.campaigns]
    track.tracker.choose("over")
    track.draw()

    assert counts == {May.LOOK: 0, May.PLAN: 1, May.SEND: 2}
    assert (listed, [each.row.name for each in track.campaigns]) == (["trial"], ["over", "trial"])


def test_every_notebook_has_the_doors() -> None:
    """Below its title each notebook links to all others of its folder, in order; its own name is no link."""
    files = sorted(path.name for path in (ROOT / "notebooks").glob("0*.ipynb"))
    for file in files:
        about = json.loads((ROOT / "notebooks" / file).read_text(encoding="utf-8"))["cells"][0]["source"]
        doors = about[2]

        assert re.findall(r"\((0.*?\.ipynb)\)", doors) == [name for name in files if name != file], file
        assert re.findall(r"\*\*(\d\d) ", doors) == [file[:2]]
