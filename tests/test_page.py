"""Pages and panels: one change at a time, the last wish counts, nothing goes wrong unseen."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

import ipywidgets as w
import pytest

from smskit.errors import InputError
from smskit.i18n import Language
from smskit.notebook.host import Host
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import button
from smskit.planning.draft import Draft
from tests.clicking import told

PATIENCE_S = 10.0
MOMENT_S = 0.2  # long enough for a thread to go wrong that does not wait


class Slow(Panel):
    """Two words, with something to do between putting the one and the other."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.between: Callable[[], object] = lambda: None

    def build(self) -> Sequence[w.Widget]:
        first = button(self.t("Load"))
        between, self.between = self.between, lambda: None
        between()
        return [first, button(self.t("Save parameters"))]

    @property
    def words(self) -> list[str]:
        return [each.description for each in self.widget.children[:2]]


@pytest.fixture
def page() -> Page:
    return Page(Draft({"campaign": "c-1", "segment": "a.csv"}), language=Language("zh"), host=Host.LAB)


def halt(panel: Slow) -> tuple[threading.Event, threading.Event]:
    """Let the next drawing stop in the middle: (it has, it may go on)."""
    reached, on = threading.Event(), threading.Event()

    def wait() -> None:
        reached.set()
        on.wait(PATIENCE_S)

    panel.between = wait
    return reached, on


def test_a_switch_of_language_waits_for_a_drawing(page: Page) -> None:
    """A panel drawn by a thread while the language changes is whole, and in the new language."""
    panel = Slow(page)
    reached, on = halt(panel)
    page.start(panel.draw)
    assert reached.wait(PATIENCE_S)
    switch = threading.Thread(target=page.speak, args=["en"])
    switch.start()
    switch.join(MOMENT_S)
    on.set()
    switch.join(PATIENCE_S)
    page.wait(PATIENCE_S)

    assert panel.words == ["Load", "Save parameters"]


def test_a_switch_draws_every_panel_once(page: Page) -> None:
    """Also one that is part of another, which draws it."""
    drawn: list[str] = []

    class Part(Slow):
        def build(self) -> Sequence[w.Widget]:
            drawn.append(f"part {self.t.code}")
            return super().build()

    class Whole(Slow):
        def __init__(self, page: Page) -> None:
            super().__init__(page)
            self.part = Part(page)

        def build(self) -> Sequence[w.Widget]:
            drawn.append(f"whole {self.t.code}")
            self.part.draw()
            return [*super().build(), self.part.widget]

    Whole(page).draw()
    page.speak("en")
    page.speak("zh")

    assert drawn == ["whole zh", "part zh", "whole en", "part en", "whole zh", "part zh"]


@pytest.mark.parametrize("how", ["click", "result", "draft"])
def test_everything_waits_its_turn(page: Page, how: str) -> None:
    """A click, a result and a changed parameter come after the drawing they would have disturbed."""
    panel, happened = Slow(page), list[str]()
    reached, on = halt(panel)
    page.start(panel.draw)
    assert reached.wait(PATIENCE_S)
    page.follow(lambda names: happened.extend(names))
    act: dict[str, Callable[[], object]] = {
        "click": lambda: panel.attempt(lambda: happened.append("clicked"))(None),
        "result": lambda: panel.start("work", lambda: "done", happened.append),
        "draft": lambda: page.draft.set(segment="b.csv"),
    }
    actor = threading.Thread(target=act[how])
    actor.start()
    actor.join(MOMENT_S)
    before = list(happened)
    on.set()
    actor.join(PATIENCE_S)
    page.wait(PATIENCE_S)

    assert before == []
    assert happened in (["clicked"], ["done"], ["segment"])


def test_work_does_not_hold_up_the_page(page: Page) -> None:
    """While something is worked on, the language can be switched; its result comes after."""
    panel, on, seen = Slow(page), threading.Event(), list[str]()
    panel.draw()
    panel.start("work", lambda: on.wait(PATIENCE_S), lambda _: seen.append(panel.t.code))
    page.speak("en")
    on.set()
    page.wait(PATIENCE_S)

    assert panel.words == ["Load", "Save parameters"]
    assert seen == ["en"]


def test_the_last_wish_counts(page: Page) -> None:
    """Work that was started again brings no result and no error of its first start."""
    panel, on, came = Slow(page), threading.Event(), list[str]()
    panel.draw()

    def slow_failure() -> str:
        on.wait(PATIENCE_S)
        raise InputError("too late")

    panel.start("work", slow_failure, came.append)
    panel.start("work", lambda: "second", came.append)
    on.set()
    page.wait(PATIENCE_S)

    assert came == ["second"]
    assert "too late" not in told(panel.widget)


def test_foreign_errors_are_told_without_their_text(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    """What is not smskit's own error may hold a phone: its kind is told and logged, its text is not."""

    def work() -> None:
        raise ValueError("13800138000")

    panel = Slow(page)
    panel.draw()
    with caplog.at_level(logging.ERROR):
        panel.start("work", work, lambda _: None)
        page.wait(PATIENCE_S)
    shown = told(panel.widget)

    assert "ValueError" in caplog.text
    assert "notice error" in shown
    assert "13800138000" not in caplog.text + shown
