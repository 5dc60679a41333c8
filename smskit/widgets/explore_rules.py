"""A rule built by clicking: nested groups, conditions by column, values from the data, counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from html import escape
from typing import Any

import ipywidgets as w

from smskit.errors import SmskitError
from smskit.explore import ColumnLook, Counts, Desk, Node
from smskit.explore.questions import typed, written
from smskit.language import mark
from smskit.rules.comparison import DATES, LISTS, NULLS, OPS, PARTS
from smskit.rules.fit import Reading
from smskit.widgets.page import Page
from smskit.widgets.panel import Panel
from smskit.widgets.parts import button, chip, details, html, row, title

__all__ = ["OP_WORDS", "RulesPanel"]

OP_WORDS = {
    "==": mark("is"),
    "!=": mark("is not"),
    "<": mark("is less than"),
    "<=": mark("is at most"),
    ">": mark("is more than"),
    ">=": mark("is at least"),
    "in": mark("is one of"),
    "not_in": mark("is none of"),
    "between": mark("is between"),
    "contains": mark("contains"),
    "starts_with": mark("starts with"),
    "is_null": mark("is empty"),
    "not_null": mark("is not empty"),
    "before": mark("is before"),
    "after": mark("is after"),
    "within_days": mark("is within the last days"),
}
_JOINS = {"all": mark("all of these"), "any": mark("any of these"), "not": mark("not this")}
_FEW = 50  # values that are listed to choose from


class RulesPanel(Panel):
    """
    The desk's rule.

    Args:
        counted: Called with the counts after each change.
    """

    def __init__(self, page: Page, desk: Desk, counted: Callable[[Counts], None]) -> None:
        super().__init__(page)
        self.desk, self._counted_then = desk, counted
        self.counts: Counts | None = None
        self._chips: dict[int, w.HTML] = {}
        self._words, self._numbers = html(""), 0

    def build(self) -> Sequence[w.Widget]:
        self._chips, self._numbers, self._words = {}, 0, html("")
        if self.desk.loaded is None:
            return [html(f'<p class="smskit-soft">{self.t("Load a segment first.")}</p>')]
        undo = button(self.t("Undo"))
        undo.on_click(self.attempt(lambda: self._edit(self.desk.editor.undo)))
        clear = button(self.t("Remove all"))
        root = self.desk.editor.root
        clear.on_click(self.attempt(lambda: self._edit(lambda: self.desk.editor.remove(root.id))))
        hint = self.t("Rows for which this holds are kept. Empty cells match only “is empty”.")
        whole = self._group(root)
        self._show_counts()
        return [title(self.t("Rules"), hint), whole, row(undo, clear), self._words]

    # -- parts -----------------------------------------------------------------------------

    def _part(self, node: Node) -> w.Widget:
        return self._leaf(node) if node.kind == "leaf" else self._group(node)

    def _group(self, node: Node) -> w.Widget:
        editor = self.desk.editor
        options = [(self.t(words), kind) for kind, words in _JOINS.items()]
        joined = self._quiet(w.Dropdown, "Group", 150, options=options, value=node.kind)
        joined.observe(self.attempt(lambda: self._edit(lambda: editor.join(node.id, joined.value))), "value")
        add = button(self.t("Add rule"), style="primary" if node is editor.root else "")
        group = button(self.t("Add group"))
        add.on_click(self.attempt(lambda: self._edit(lambda: editor.add(node.id))))
        group.on_click(self.attempt(lambda: self._edit(lambda: editor.add_group(node.id, _other(node.kind)))))
        moves = [] if node is editor.root else self._moves(node)
        if node is not editor.root:
            undo = button(self.t("Ungroup"))
            undo.on_click(self.attempt(lambda: self._edit(lambda: editor.unwrap(node.id))))
            moves.append(undo)
        head = row(joined, add, group, *moves, self._chip(node))
        body = w.VBox([self._part(part) for part in node.parts])
        body.add_class("smskit-rules")
        return w.VBox([head, body])

    def _leaf(self, node: Node) -> w.Widget:
        self._numbers += 1
        assert self.desk.loaded is not None
        columns, editor = self.desk.loaded.look.columns, self.desk.editor
        look = columns.get(node.column)
        names = [(self.t("choose a column"), ""), *((n, n) for n in columns)]
        if node.column and look is None:
            names.append((self.t("{name} (not in this segment)", name=node.column), node.column))
        column = self._quiet(w.Dropdown, "Column", 180, options=names, value=node.column)
        column.observe(
            self.attempt(
                lambda: self._edit(
                    lambda: editor.choose_column(node.id, column.value, _ops(columns.get(column.value)))
                )
            ),
            "value",
        )
        ops = list(_ops(look)) if node.column else []
        ops += [node.op] if node.op and node.op not in ops else []
        op = self._quiet(
            w.Dropdown,
            "Condition",
            170,
            options=[(self.t(OP_WORDS[o]), o) for o in ops],
            value=node.op if node.op else None,
        )
        op.observe(self.attempt(lambda: self._edit(lambda: editor.choose_op(node.id, op.value))), "value")
        return row(column, op, *self._value(node, look), *self._moves(node), self._chip(node))

    def _moves(self, node: Node) -> list[w.Widget]:
        editor = self.desk.editor
        actions: list[tuple[str, str, Callable[[], Any]]] = [
            ("↑", self.t("Move up"), lambda: editor.move(node.id, -1)),
            ("↓", self.t("Move down"), lambda: editor.move(node.id, 1)),
            (self.t("or…"), self.t("Put into a group of alternatives"), lambda: editor.wrap(node.id, "any")),
            (self.t("not"), self.t("Turn into its opposite"), lambda: editor.wrap(node.id, "not")),
            ("✕", self.t("Remove"), lambda: editor.remove(node.id)),
        ]
        made = []
        for words, tip, act in actions:
            each = button(words, tip=tip)
            each.add_class("smskit-small")
            each.on_click(self.attempt(partial(self._edit, act)))
            made.append(each)
        return made

    # -- values ----------------------------------------------------------------------------

    def _value(self, node: Node, look: ColumnLook | None) -> list[w.Widget]:
        if not node.op or node.op in NULLS:
            return []
        reading = look.reading if look else Reading.TEXT
        if node.op in LISTS and look and look.top and look.distinct <= _FEW:
            return [self._choices(node, look)]
        if node.op == "within_days":
            return [self._days(node)]
        if reading is Reading.FLAG and node.op in ("==", "!="):
            return [self._yes_no(node)]
        if node.op in DATES and _day(node.value) is not False:
            return [self._day(node)]
        return [self._free(node, look, reading)]

    def _choices(self, node: Node, look: ColumnLook) -> w.Widget:
        chosen = [written(v) for v in node.value or []]
        listed = [(f"{text} ({n:,})", text) for text, n in look.top]
        known = {text for _, text in listed}
        listed += [(self.t("{name} (not in the data)", name=v), v) for v in chosen if v not in known]
        made = self._quiet(w.SelectMultiple, "Value", 260, options=listed, value=tuple(dict.fromkeys(chosen)))
        made.rows = min(max(len(listed), 2), 6)

        def read() -> list[Any]:
            return [typed("==", look.reading, text) for text in made.value]

        made.observe(self.attempt(lambda: self._set(node, read())), "value")
        return made

    def _days(self, node: Node) -> w.Widget:
        value = node.value if isinstance(node.value, int) else 30
        made = self._quiet(w.BoundedIntText, "Value", 120, value=value, min=1, max=36_500)
        if not isinstance(node.value, int):
            node.value = value
        made.observe(self.attempt(lambda: self._set(node, made.value)), "value")
        return made

    def _yes_no(self, node: Node) -> w.Widget:
        options = [(self.t("choose"), None), (self.t("Yes"), True), (self.t("No"), False)]
        value = node.value if isinstance(node.value, bool) else None
        made = self._quiet(w.Dropdown, "Value", 120, options=options, value=value)
        made.observe(self.attempt(lambda: self._set(node, made.value)), "value")
        return made

    def _day(self, node: Node) -> w.Widget:
        made = self._quiet(w.DatePicker, "Value", 170, value=_day(node.value) or None)
        made.observe(
            self.attempt(lambda: self._set(node, made.value.isoformat() if made.value else None)), "value"
        )
        return made

    def _free(self, node: Node, look: ColumnLook | None, reading: Reading | None) -> w.Widget:
        options = list(look.suggests[:_FEW]) if look and node.op not in (*PARTS, *LISTS) else []
        made = self._quiet(
            w.Combobox, "Value", 260, value=written(node.value), options=options, ensure_option=False
        )
        made.continuous_update = False
        made.placeholder = self._hint(node.op, look)
        made.observe(self.attempt(lambda: self._set(node, typed(node.op, reading, made.value))), "value")
        return made

    def _hint(self, op: str, look: ColumnLook | None) -> str:
        if op in LISTS:
            return self.t("values, parted by commas")
        if op == "between":
            return f"{look.low}, {look.high}" if look and look.low else self.t("low, high")
        return f"{look.low} … {look.high}" if look and look.low else self.t("value")

    def _quiet(self, kind: type[Any], label: str, width: int, **options: Any) -> Any:
        """An input whose label is for assistive technology; its place in the row says the same."""
        words = {"Group": self.t("Group"), "Column": self.t("Column"), "Condition": self.t("Condition")}
        number = f" {self._numbers}" if label != "Group" else ""
        made = kind(description=f"{words.get(label, self.t('Value'))}{number}", **options)
        made.layout.width = f"{width}px"
        made.add_class("smskit-quiet")
        return made

    # -- changes and counts ------------------------------------------------------------------

    def _edit(self, change: Callable[[], Any]) -> None:
        """Change the shape of the rule: everything is drawn anew."""
        self.tell("")
        change()
        self.draw()
        self.recount()

    def _set(self, node: Node, value: Any) -> None:
        """Change one value: nothing moves on the page."""
        self.tell("")
        self.desk.editor.change(node.id, value=value)
        self.recount()

    def recount(self) -> None:
        """Count in the background, and let the draft have the rule if it is whole."""
        if self.desk.loaded is None:
            return
        self.desk.put_rules()
        self.start("count", self.desk.counts, self._counted)

    def _counted(self, counts: Counts) -> None:
        self.counts = counts
        self._show_counts()
        self._counted_then(counts)

    def _chip(self, node: Node) -> w.HTML:
        self._chips[node.id] = html("")
        return self._chips[node.id]

    def _show_counts(self) -> None:
        counts = self.counts
        if counts is None or self.desk.loaded is None or counts.rows != self.desk.loaded.look.rows:
            return
        for id_, place in self._chips.items():
            place.value = self._count_of(id_, counts)
        self._words.value = self._said()

    def _count_of(self, id_: int, counts: Counts) -> str:
        if id_ in counts.problems:
            return chip(self.t.error(counts.problems[id_]), "warn")
        if id_ == self.desk.editor.root.id:
            share = counts.kept / counts.rows if counts.rows else 0
            told = mark("{kept:,} of {rows:,} rows kept ({share:.1%})")
            return chip(self.t(told, kept=counts.kept, rows=counts.rows, share=share), "ok")
        alone = self.t("{n:,} rows", n=counts.alone[id_]) if id_ in counts.alone else ""
        if id_ in counts.after:
            return f"{chip(alone)} {chip(self.t('{n:,} left', n=counts.after[id_]), 'ok')}"
        return chip(alone) if alone else ""

    def _said(self) -> str:
        """The rule in words and as SQL, or what it lacks."""
        try:
            label, sql = self.desk.editor.rule().label, self.desk.sql()
        except SmskitError:
            unfinished = self.t("Not finished: the parameters keep the last complete rules.")
            return f'<p class="smskit-soft">{escape(unfinished)}</p>'
        both = f"<pre>{escape(label)}</pre><p></p><pre>{escape(sql)}</pre>"
        return details(self.t("In words and as SQL"), both)


def _other(kind: str) -> Any:
    return "all" if kind == "any" else "any"


def _ops(look: ColumnLook | None) -> Sequence[str]:
    return look.ops if look else OPS


def _day(value: Any) -> date | bool | None:
    """The day that a value says, None for no value, False for what a date picker cannot show."""
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return False
