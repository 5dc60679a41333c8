"""What is asked: which campaign, which table, what its columns are, over which window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import ipywidgets as w

from smskit.audience.explore import offered
from smskit.i18n import mark
from smskit.ledger import CampaignRow
from smskit.notebook.measurer import Measurer
from smskit.notebook.panels.fold import Fold
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import card, field, pair, row, soft_line, title
from smskit.notebook.panels.upload import upload_button
from smskit.reporting.delivery import MODES
from smskit.workspace import Workspace

__all__ = ["AskingPanel"]

_ABOUT: Final = mark(
    "What people did, held back or not: one row an order, or one row a person. Never only those reached."
)
_EVENTS, _PEOPLE = "events", "people"
# What columns of tables are called where people say when somebody paid and how much.
_TIMES: Final = ("time", "at", "paid", "date", "时间", "日期")
_AMOUNTS: Final = ("amount", "yuan", "revenue", "price", "金额", "元")
_PERSONS: Final = ("user_id", "uid", "用户id", "用户ID", "phone", "手机号")


class AskingPanel(Panel):
    """
    Args:
        measurer: Holds what is chosen.
        measure: Called when somebody wants it measured.
        chosen: Called when another campaign is chosen.
        compare: Called when somebody wants the arms of its experiment side by side.
    """

    def __init__(
        self,
        page: Page,
        measurer: Measurer,
        *,
        measure: Callable[[], None],
        chosen: Callable[[], None],
        compare: Callable[[], None],
    ) -> None:
        super().__init__(page)
        self.measurer, self._measure, self._chosen, self._compare = measurer, measure, chosen, compare
        self.kind = _PEOPLE if measurer.asked["converted"] and not measurer.asked["time"] else _EVENTS
        self.names: list[str] = []  # columns of the table
        self._columns = w.VBox()
        self._typing = False  # whether the fields for a path or a query are unfolded
        self._go = w.Button()
        self._arms = w.HBox()  # the way to an experiment's other arms, where the campaign is one
        self.on_work = self._dim
        if measurer.asked["outcomes"]:
            self._look()

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        self._columns = w.VBox()
        self._go = self.button(t("Measure"), self._measure, style="primary")
        self._arms = row()
        self._fields()
        self._beside()
        about = t(_ABOUT)
        return [
            card(
                title(t("Measure the effect"), t("Everybody it was to reach against those it kept back.")),
                self._campaign(),
                soft_line(about),
                row(self._files(), upload_button(self, self._upload)),
                self._typed(),
                self._columns,
                row(self._go, self._arms),
            )
        ]

    # -- which campaign -------------------------------------------------------------------

    def _campaign(self) -> w.Widget:
        found = self.measurer.campaigns()
        now = self.measurer.row
        if now is not None and now.id not in [row.id for row in found]:
            found = [now, *found]
        options = [(self._label(each), each.id) for each in found]
        made = field(w.Dropdown, self.t("Campaign"), options=options, value=now.id if now else None)
        made.layout.width, made.layout.max_width = "640px", "100%"
        by_id = {each.id: each for each in found}
        made.observe(self.attempt(lambda: self._take(by_id[made.value])), "value")
        return made

    def _label(self, each: CampaignRow) -> str:
        held = float(each.spec.get("holdout", 0) or 0)
        kept = self.t("holdout {share}", share=f"{held:.3g}" if held < 0.001 else f"{held:.1%}")
        return f"{each.name} · {self.t(MODES[each.mode])} · {kept if held else self.t('no holdout')}"

    def _take(self, campaign: CampaignRow) -> None:
        self.measurer.choose(campaign.name, str(campaign.mode))
        self._beside()
        self._chosen()

    def _beside(self) -> None:
        """A button that compares the arms of the chosen campaign's experiment."""
        arms = self.measurer.beside()
        self._arms.children = ()
        if len(arms) > 1:
            names = ", ".join(str(arm.spec["arm"]["name"]) for arm in arms)
            made = self.button(self.t("Arms side by side: {names}", names=names), self._compare)
            self._arms.children = (made,)

    # -- which table ----------------------------------------------------------------------

    def _files(self) -> w.Widget:
        there = [offer.path for offer in offered(self.measurer.folder) if not offer.sample]
        now = self.measurer.asked["outcomes"]
        options = [(self.t("choose a file"), ""), *((path.split("/", 1)[1], path) for path in there)]
        made = field(w.Dropdown, self.t("Files here"), options=options, value=now if now in there else "")
        made.observe(self.attempt(lambda: self._name(made.value) if made.value else None), "value")
        return made

    def _upload(self, name: str, content: bytes) -> None:
        self.tell(lambda t: t("Loading…"))
        self.start("columns", partial(self._kept, name, content), self._found)

    def _kept(self, name: str, content: bytes) -> list[str]:
        self.measurer.upload(name, content)
        return self.measurer.columns()

    def _typed(self) -> w.Widget:
        may_query = Workspace.here().may_query
        label, now = self.t("Path or URL") if may_query else self.t("File"), self.measurer.asked["outcomes"]
        place = self.field(w.Text, label, self._name, value=now)
        place.placeholder, place.continuous_update = "orders.csv", False
        if not may_query:
            return self._folded(self.t("By its name"), place)
        now = self.measurer.asked["outcomes_query"]
        query = self.field(w.Text, self.t("SQL query"), self._asked, value=now)
        query.placeholder, query.continuous_update = self.t("only for a database: one SELECT"), False
        return self._folded(self.t("Path, URL or query"), pair(place, query))

    def _folded(self, label: str, inner: w.DOMWidget) -> w.Widget:
        """Away until it is wanted, or holds what no list offers."""
        named = self.measurer.asked["outcomes"]
        other = bool(named) and named not in [offer.path for offer in offered(self.measurer.folder)]
        turned = partial(setattr, self, "_typing")
        return Fold(label, inner, is_open=self._typing or other, turned=turned).widget

    def _name(self, path: str) -> None:
        if path.strip() != self.measurer.asked["outcomes"]:
            self.measurer.set(outcomes=path)
            self.draw()
            self._look()

    def _asked(self, query: str) -> None:
        self.measurer.set(outcomes_query=query)
        self._look()

    def _look(self) -> None:
        """Which columns the table has, in the background."""
        if self.measurer.asked["outcomes"]:
            self.tell(lambda t: t("Loading…"))
            self.start("columns", self.measurer.columns, self._found)

    def _found(self, names: list[str]) -> None:
        self.names = names
        asked = self.measurer.asked
        guess = {"user_id": _PERSONS, "time": _TIMES, "amount": _AMOUNTS}
        for name, words in guess.items():
            if asked[name] not in names and not (name != "user_id" and self.kind == _PEOPLE):
                self.measurer.set(**{name: _like(names, words)})
        self.tell("")
        self.draw()

    # -- what its columns are -------------------------------------------------------------

    def _fields(self) -> None:
        t, asked = self.t, self.measurer.asked
        if not asked["outcomes"]:
            self._columns.children = ()
            return
        kinds = [(t("one row per event"), _EVENTS), (t("one row a person, 0 or 1"), _PEOPLE)]
        kind = self.field(w.Dropdown, t("The table has"), self._turn, options=kinds, value=self.kind)
        made: list[w.Widget] = [kind, self._column("user_id", t("Person column"))]
        if self.kind == _EVENTS:
            made += [
                self._column("time", t("Time column")),
                self._column("amount", t("Money column"), none=True),
            ]
            made.append(self._text("window", t("Window"), t("from the first message: 7d, 36h")))
        else:
            made.append(self._text("converted", t("Outcome columns"), t("columns of 0 and 1, by comma")))
        made.append(self._text("by", t("By segment"), t("a column of the segment")))
        self._columns.children = (pair(*made), self._more())

    def _more(self) -> w.Widget:
        t = self.t
        made: list[w.Widget] = [
            self._text("timezone", t("Time zone"), t("of times that name none")),
            self._text("as_of", t("As of"), "2026-11-23T20:00"),
            self._text("price", t("Price per part (¥)"), "0.045"),
            self._text("segments", t("Segment file"), t("where the column stands; the campaign's")),
            self._text("before", t("Adjust for"), t("columns known before the send, by comma")),
        ]
        if self.kind == _EVENTS:
            made.append(self._column("event_id", t("Event id column"), none=True))
        boxes = [
            ("entrants", True, False, t("Only people whose first occurrence this is")),
            ("absent", "zero", "refuse", t("People missing in the table did nothing")),
            ("srm", "allow", "stop", t("Show effects although the split is not as drawn")),
        ]
        ticks = [self._tick(*box) for box in boxes]
        return Fold(t("More"), w.VBox([pair(*made), *ticks])).widget

    def _tick(self, name: str, on: Any, off: Any, label: str) -> w.Widget:
        take = partial(self._set, name)
        return self.tick(label, self.measurer.asked[name] == on, lambda is_on: take(on if is_on else off))

    def _turn(self, kind: str) -> None:
        self.kind = kind
        # A table is of one kind: what was said of the other is let go.
        self.measurer.set(**{"time": "", "event_id": ""} if kind == _PEOPLE else {"converted": ""})
        self._found(self.names)

    def _column(self, name: str, label: str, *, none: bool = False) -> w.Widget:
        value = self.measurer.asked[name]
        names = [(each, each) for each in self.names]
        if value and value not in self.names:
            names.append((self.t("{name} (not in this table)", name=value), value))
        if none or not value:
            names.insert(0, (self.t("none") if none else self.t("choose a column"), ""))
        return self.field(w.Dropdown, label, partial(self._set, name), options=names, value=value)

    def _text(self, name: str, label: str, hint: str) -> w.Widget:
        now = self.measurer.asked[name]
        return self.field(w.Text, label, partial(self._set, name), value=now, placeholder=hint)

    def _set(self, name: str, value: Any) -> None:
        self.measurer.set(**{name: value})

    def _dim(self) -> None:
        self._go.disabled = self.is_at("columns")


def _like(names: Sequence[str], words: Sequence[str]) -> str:
    """The first column that is called so, else one whose name holds one of *words*; "" = none."""
    exact = [name for word in words for name in names if name == word]
    within = [name for word in words for name in names if len(word) > 2 and word in name.lower()]
    ends = [name for word in words for name in names if name.lower().endswith((f"_{word}", word))]
    return next(iter(exact + ends + within), "")
