"""From the file to the people who would be messaged: one bar whose parts are pressed to see their rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape

import ipywidgets as w
import numpy as np

from smskit.audience.explore import Counts
from smskit.audience.rules.typed import Mask
from smskit.i18n import mark
from smskit.i18n.figures import money
from smskit.models import Reason
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import html, notice, soft, stale
from smskit.notebook.segment_model import SegmentModel
from smskit.sending.reach import Reach

__all__ = ["ReachPanel"]

_FILE, _KEPT, _REACHED, _RULED_OUT = "file", "kept", "reached", "ruled out"


class ReachPanel(Panel):
    """
    File, rules, reachable, cost.

    Args:
        chosen: Called with the rows of a part that is pressed; None for those the rules keep.
    """

    def __init__(self, page: Page, model: SegmentModel, chosen: Callable[[Mask | None], None]) -> None:
        super().__init__(page)
        self.model, self._chosen = model, chosen
        self._reach: tuple[Counts | None, Reach | None] = None, None  # and of which counts
        self.opened = _KEPT  # the part whose rows are shown
        self._counts: Counts | None = None
        self._line, self._bar, self._parts = html(""), html(""), w.HBox()
        self._why = html("")

    def build(self) -> Sequence[w.Widget]:
        self._line, self._bar, self._why = html(""), html(""), html("")
        self._parts = w.HBox(layout=w.Layout(flex_flow="row wrap", align_items="center"))
        self._parts.add_class("smskit-parts")
        self._show()
        return [self._line, self._bar, self._parts, self._why]

    @property
    def shows_part(self) -> bool:
        """Whether the rows of some part are asked for, and not those that the rules keep."""
        return self.opened != _KEPT

    @property
    def shown(self) -> str:
        """The part whose rows are asked for, in words."""
        return self._name(self.opened)

    @property
    def reach(self) -> Reach | None:
        """What becomes of the rows that the rules keep now; None until it was counted."""
        counts, reach = self._reach
        return reach if counts is self._counts else None

    # -- counting ----------------------------------------------------------------------------

    def count(self, counts: Counts | None) -> None:
        """Count anew in the background, for what *counts* keeps; older figures stay, dimmed, until then."""
        self._counts = counts
        self._mark(counts is not None)
        if counts is None:
            self._show()
            return
        self.start("reach", lambda: self.model.reach(counts.mask), partial(self._counted, counts))

    def again(self) -> None:
        """The parameters have changed: the same rows may be other people."""
        if self._counts is not None:
            self.count(self._counts)

    def _counted(self, counts: Counts, reach: Reach | None) -> None:
        self._reach = counts, reach
        self.tell("")
        self._show()
        if self.shows_part:
            self._open(self.opened)

    def _mark(self, counting: bool) -> None:
        stale(counting, self._line, self._bar, self._parts)

    # -- showing -----------------------------------------------------------------------------

    def _show(self) -> None:
        counts, reach = self._counts, self.reach
        self._mark(self.is_at("reach"))
        if counts is None or not counts.rows:
            self._line.value = self._bar.value = self._why.value = ""
            self._parts.children = ()
            return
        self._line.value = self._in_words(counts, reach)
        self._bar.value = self._drawn(counts, reach)
        self._parts.children = tuple(self._part(key, n) for key, n in self._sizes(counts, reach))
        lacks = "" if reach is None or reach.lacks is None else self.t.render(reach.lacks)
        words = mark("Counted at one part each: {why}")
        told = [notice(self.t.render(text), "warn") for text in (reach.notices if reach else ())]
        self._why.value = "".join([soft(self.t(words, why=lacks)) if lacks else "", *told])

    def _in_words(self, counts: Counts, reach: Reach | None) -> str:
        """5,030 rows → 1,114 after the rules → 887 reachable · 888 parts · about ¥44.40"""
        t = self.t
        steps = [
            t("{n:,} rows", n=counts.rows),
            t("{n:,} after the rules", n=counts.kept),
        ]
        if reach is not None:
            last = [f"<b>{escape(t('{n:,} reachable', n=reach.reachable))}</b>"]
            if reach.lacks is None:
                last.append(escape(t("{n:,} parts", n=reach.parts)))
            words = mark("about {cost}") if reach.lacks is None else mark("at least {cost}")
            last.append(escape(t(words, cost=money(reach.cost))))
            steps = [*map(escape, steps), " · ".join(last)]
        arrow = '<span aria-hidden="true"> → </span>'
        return f'<div class="smskit-funnel" role="status">{arrow.join(steps)}</div>'

    def _drawn(self, counts: Counts, reach: Reach | None) -> str:
        def piece(kind: str, n: int) -> str:
            return f'<i class="{kind}" style="flex-grow:{n}"></i>' if n else ""

        if reach is None:
            pieces = piece("kept", counts.kept)
        else:
            pieces = piece("reached", reach.reachable) + piece("out", counts.kept - reach.reachable)
        ruled_out = piece("ruled", counts.rows - counts.kept)
        return f'<div class="smskit-track" aria-hidden="true">{pieces}{ruled_out}</div>'

    @staticmethod
    def _sizes(counts: Counts, reach: Reach | None) -> list[tuple[str, int]]:
        made = [(_FILE, counts.rows), (_RULED_OUT, counts.rows - counts.kept), (_KEPT, counts.kept)]
        if reach is not None:
            made += [(reason.label, n) for reason, n in reach.excluded.items()]
            made.append((_REACHED, reach.reachable))
        return [(key, n) for key, n in made if n or key != _RULED_OUT]

    def _name(self, key: str) -> str:
        names = {
            _FILE: mark("whole file"),
            _RULED_OUT: mark("left out by the rules"),
            _KEPT: mark("kept by the rules"),
            _REACHED: mark("reachable"),
        }
        return self.t(names[key] if key in names else _reason(key).words)

    def _part(self, key: str, n: int) -> w.Button:
        kind = {_FILE: "", _KEPT: "kept", _REACHED: "reached", _RULED_OUT: "ruled"}.get(key, "out")
        text, tip = f"{self._name(key)} {n:,}", self.t("Show these rows")
        made = self.button(text, partial(self._open, key), tip=tip)
        for name in ("smskit-part", kind, "chosen" if key == self.opened else ""):
            if name:
                made.add_class(name)
        return made

    # -- the rows of a part ------------------------------------------------------------------

    def _open(self, key: str) -> None:
        """Show the rows of a part; where there are none any more, those that the rules keep."""
        counts = self._counts
        if counts is None:
            return
        there = dict(self._sizes(counts, self.reach))
        self.opened = key if key in there else _KEPT
        for (name, _), made in zip(there.items(), self._parts.children, strict=True):
            (made.add_class if name == self.opened else made.remove_class)("chosen")
        self._chosen(self._rows(counts, self.opened))

    def _rows(self, counts: Counts, key: str) -> Mask | None:
        if key == _FILE:
            return np.ones(counts.rows, np.bool_)
        if key == _RULED_OUT:
            return ~counts.mask
        if key == _KEPT or self.reach is None:
            return None
        return self.reach.rows(Reason.NONE if key == _REACHED else _reason(key))


def _reason(label: str) -> Reason:
    return Reason[label.upper()]
