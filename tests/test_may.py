"""What visitors of the app may do: those who may look change nothing, those who may plan message nobody."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import ipywidgets as w
import pytest

from smskit.errors import GuardRefused, InputError, LedgerError, SettingsError
from smskit.i18n import LANGUAGES, Language
from smskit.models import Mode
from smskit.notebook import accounts
from smskit.notebook.home import Home
from smskit.notebook.host import Host
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.send import SendPanel
from smskit.notebook.panels.track import TrackPanel
from smskit.notebook.send_model import SendModel
from smskit.notebook.tracker import Tracker
from smskit.planning.draft import Draft
from smskit.settings import APP_MAY, Environment
from smskit.settings.places import APP_WORKSPACE
from smskit.simulator import Simulator
from smskit.workspace import May, Workspace
from tests import live
from tests.clicking import named, parts, told
from tests.test_tracking import idle

PEOPLE = 4
ALLOWED = {May.LOOK: {"look"}, May.PLAN: {"look", "plan"}, May.SEND: {"look", "plan", "send"}}


class Visit:
    """A visitor of an app with a rehearsed campaign, at the panels of 03 and 04."""

    def __init__(self, folder: Path, simulator: Simulator, patch: pytest.MonkeyPatch) -> None:
        live.approve(simulator, live.SINGLES, **live.SAME_TEXT_AGAIN)
        self.folder, self._patch = folder, patch
        (folder / "segments").mkdir()
        source = live.segment(folder / "segments/people.csv", PEOPLE)
        self.data = live.data(live.SINGLES, source, segment="segments/people.csv")
        self.environ = live.SINGLES.environ(simulator.url, folder)
        patch.setenv(APP_WORKSPACE, str(folder))
        live.campaign(self.data | {"mode": "rehearse"}, self.environ).send()

    def of(self, may: May) -> Visit:
        self._patch.setenv(APP_MAY, may)
        return self

    def environment(self) -> Environment:
        return Environment(self.environ | {"SMSKIT_USER": "lily"})

    def page(self, language: str = "en", **more: Any) -> Page:
        draft = Draft(self.data | more)
        return Page(draft, language=Language(language), host=Host.VOILA, environment=self.environment)

    def model(self, **more: Any) -> SendModel:
        made = SendModel(Draft(self.data | more), environment=self.environment)
        made.planning.want()
        assert made.planning.wait()
        return made

    def tracker(self, mode: Mode = Mode.REHEARSE) -> Tracker:
        made = Tracker(environment=self.environment, folder=self.folder)
        made.choose("live-1", mode)
        return made


@pytest.fixture
def visit(tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """Where somebody comes to."""
    monkeypatch.chdir(tmp_path)
    return Visit(tmp_path, simulator, monkeypatch)


def rehearse(visit: Visit) -> None:
    model = visit.model(mode="rehearse", campaign="another")
    model.send(model.confirmation())
    run = model.run
    assert run is not None
    run.wait(60)


def send(visit: Visit) -> None:
    model = visit.model(campaign="another")
    model.send(model.confirmation(), typed=str(PEOPLE))
    run = model.run
    assert run is not None
    run.wait(60)


def archive(visit: Visit, mode: Mode) -> None:
    with suppress(LedgerError):  # nothing was sent live yet
        Home(environment=visit.environment).archive("live-1", mode)


def approve(visit: Visit) -> None:
    visit.tracker().ledger.approvals.plan("live-1", "q1", by="wang")
    visit.tracker().approve("q1")


def doubt(visit: Visit) -> None:
    visit.tracker().decide("13800138000", opted_out=False)


ACTS: list[tuple[str, Callable[[Visit], object]]] = [
    ("look", lambda v: v.tracker().count()),
    ("look", lambda v: v.tracker().download("csv")),
    ("look", lambda v: v.tracker().fetch()),
    ("look", lambda v: v.model(mode="rehearse")),
    ("plan", lambda v: v.tracker().download("csv", reveal=True)),
    ("plan", lambda v: v.tracker().export("csv")),
    ("plan", lambda v: v.tracker().follow_up(["delivered"], may_arrive_twice=True)),
    ("plan", lambda v: Draft(v.data).save("campaign.yaml")),
    ("plan", lambda v: v.model().rename()),
    ("plan", lambda v: accounts.type_signature("yunpian", "云片", v.tracker().ledger)),
    ("plan", rehearse),
    ("look", lambda v: Home(environment=v.environment).overview().archived),
    ("plan", lambda v: archive(v, Mode.REHEARSE)),
    ("send", lambda v: archive(v, Mode.LIVE)),
    ("send", send),
    ("send", approve),
    ("send", doubt),
    ("send", lambda v: live.campaign(v.data, v.environ).send()),
]


@pytest.mark.parametrize("may", list(May))
def test_what_each_may_do(visit: Visit, may: May) -> None:
    """Every act is refused, in words, to whoever may not do it, and to nobody else."""
    visit.of(may)
    for needs, act in ACTS:
        if needs in ALLOWED[may]:
            with suppress(InputError):  # nobody is there to follow up, no reply is doubtful
                act(visit)
        else:
            with pytest.raises(GuardRefused, match="whoever runs this app can let you"):
                act(visit)


@pytest.mark.parametrize("language", LANGUAGES)
def test_panels_say_it_before_anything_is_pressed(visit: Visit, language: str) -> None:
    """One sentence on each page; buttons that would be refused cannot be pressed, and say why."""
    t = Language(language)
    limits = {may: str(Workspace(visit.folder, may=may).limit) for may in (May.LOOK, May.PLAN)}
    switched_off: dict[May, set[str]] = {}
    for may in May:
        page = visit.of(may).page(language)
        panel = SendPanel(page, SendModel(page.draft, environment=visit.environment))
        panel.draw()
        assert panel.wait()
        track = TrackPanel(page, visit.tracker())
        track.draw()
        idle(page)
        off = [
            p
            for box in (panel.widget, track.widget)
            for p in parts(box)
            if isinstance(p, w.Button) and p.disabled and p.tooltip in map(t, limits.values())
        ]
        switched_off[may] = {p.description for p in off}

        assert (
            (t(limits[may]) in told(page.header)) if may in limits else ("smskit-notice" not in _limit(page))
        )

    assert switched_off[May.SEND] == set()
    assert {t("Send test"), t("Send to {n:,} people, live…", n=PEOPLE)} <= switched_off[May.PLAN]
    assert switched_off[May.PLAN] < switched_off[May.LOOK]
    assert {t("Save"), t("Save parameters"), t("Save as a segment")} <= switched_off[May.LOOK]


def _limit(page: Page) -> str:
    return next(p.value for p in parts(page.header) if "smskit-limit" in getattr(p, "_dom_classes", ()))


def test_a_button_that_is_off_reveals_nothing(visit: Visit) -> None:
    """A message of a browser that presses it all the same is not followed."""
    page = visit.of(May.LOOK).page()
    track = TrackPanel(page, visit.tracker())
    track.draw()
    idle(page)
    track.open("", "")
    idle(page)
    named(track.people.widget, "Show full phones").value = True
    idle(page)

    assert "****" in told(track.people.widget)
    assert "13800100000" not in told(track.people.widget)


def test_outside_the_app_everybody_may_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where people run code a variable that says less would be a false promise, and counts for nothing."""
    monkeypatch.setenv(APP_MAY, "look")
    monkeypatch.chdir(tmp_path)

    assert Workspace.here().may is May.SEND


def test_users_say_what_they_may() -> None:
    """Behind a token stands what its visitor may do; without a word all; a misspelt word is refused."""
    pytest.importorskip("jupyter_server")
    from smskit.notebook.app import AppSettings
    from smskit.notebook.app.kernels import Visitor, kernel_environment
    from smskit.notebook.app.server import configuration

    one, other, third = ("t" * 16, "u" * 16, "v" * 16)
    text = f"lily:{one}:look,wang:{other}:plan zhao:{third}"
    found = AppSettings.of(Environment({"SMSKIT_APP_USERS": text}))
    config = configuration(found, workspace=Path("/w"), ip="127.0.0.1", port=1, browser=False)
    kernel = kernel_environment({APP_MAY: "send"}, Path("/w"), Visitor("lily", "look"))

    assert dict(found.people) == {"lily": one, "wang": other, "zhao": third}
    assert config.Login.may == {"lily": "look", "wang": "plan", "zhao": "send"}
    assert (kernel["SMSKIT_USER"], kernel[APP_MAY]) == ("lily", "look")
    for wrong in (f"lily:{one}:loook", f"lily:{one}:look:plan", f"lily:{one}:"):
        with pytest.raises(SettingsError, match="SMSKIT_APP_USERS has to read"):
            AppSettings.of(Environment({"SMSKIT_APP_USERS": wrong}))
    with pytest.raises(SettingsError, match="SMSKIT_APP_MAY is one of look, plan, send"):
        AppSettings.of(Environment({"SMSKIT_APP_MAY": "all"}))
