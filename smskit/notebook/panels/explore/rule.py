"""One part of a rule as a row of widgets: a comparison, or a group with the rows of its parts below."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, Final, Protocol

import ipywidgets as w

from smskit.audience.explore import ColumnProfile, Node, RuleEditor
from smskit.audience.explore.operators import typed, written
from smskit.audience.rules.comparison import DATES, LISTS, NULLS, OP_WORDS, OPS, PARTS
from smskit.audience.rules.fit import Reading
from smskit.i18n import Language, mark
from smskit.notebook.panels.parts import button, choose, html
from smskit.notebook.panels.ticks import Ticks

__all__ = ["Around", "GroupRow", "LeafRow"]

_JOINS = {"all": mark("all of these"), "any": mark("any of these"), "not": mark("not this")}
_FEW = 50  # values that are suggested while somebody types
_LISTED = 200  # different values of a column that are listed to be ticked
_NOTHING: Final[Any] = object()


class Around(Protocol):
    """What rows ask of the panel they are in, and tell it."""

    @property
    def t(self) -> Language:
        """The page's language now."""

    @property
    def columns(self) -> Mapping[str, ColumnProfile]:
        """What is known of the segment's columns, by name."""

    @property
    def editor(self) -> RuleEditor:
        """The rule that is edited."""

    def on_edit(self, change: Callable[[], Any]) -> Callable[[Any], None]:
        """A callback that changes the shape of the rule."""

    def unless_shown(self, take: Callable[[], Any]) -> Callable[[Any], None]:
        """A callback for a widget that a person, not the panel, changed."""

    def set_value(self, id_: int, value: Any) -> None:
        """Change the value of one comparison."""


class GroupRow:
    """
    A head to join, add and move with, and the rows of the parts, indented.

    Args:
        panel: Told of every change.
        whole: Whether this is the outermost group, which cannot be moved.
    """

    def __init__(self, panel: Around, node: Node, *, whole: bool) -> None:
        t, edit, editor, id_ = panel.t, panel.on_edit, panel.editor, node.id
        self.whole, self.chip = whole, html("")
        options = [(t(words), kind) for kind, words in _JOINS.items()]
        self._joined = _quiet(w.Dropdown, t("Group"), 150, options=options, value=node.kind)
        self._joined.observe(edit(lambda: editor.join(id_, self._joined.value)), "value")
        add = button(t("Add rule"), style="primary" if whole else "")
        group = button(t("Add group"))
        add.on_click(edit(lambda: editor.add(id_)))
        group.on_click(edit(lambda: editor.add_group(id_, "all" if self._joined.value == "any" else "any")))
        moves = [] if whole else _moves(panel, id_)
        if not whole:
            ungroup = button(t("Ungroup"))
            ungroup.on_click(edit(lambda: editor.unwrap(id_)))
            moves.append(ungroup)
        self._body = w.VBox()
        self._body.add_class("smskit-rules")
        self.chip.add_class("smskit-count")
        head = w.HBox([self._joined, add, group, self.chip, *(_menu(panel, moves) if moves else [])])
        head.add_class("smskit-rule")
        self.widget = w.VBox([head, self._body])

    def show(self, node: Node, parts: Sequence[w.Widget]) -> None:
        """Show the group as it is now, with these rows below; a row that stays is not touched."""
        self._joined.value = node.kind
        self._body.children = tuple(parts)


class LeafRow:
    """
    A column, a condition and a value.

    Args:
        panel: Told of every change.
    """

    def __init__(self, panel: Around, node: Node) -> None:
        self._panel, self.id, self.chip = panel, node.id, html("")
        self._number, self._shown = 0, (_NOTHING, _NOTHING, _NOTHING)
        edit, editor = panel.on_edit, panel.editor
        self._column = _quiet(w.Dropdown, "", 150)
        self._op = _quiet(w.Dropdown, "", 130)
        self._slot = w.HBox()
        self._column.observe(
            edit(lambda: editor.choose_column(self.id, self._column.value, self._ops(self._column.value))),
            "value",
        )
        self._op.observe(edit(lambda: editor.choose_op(self.id, self._op.value)), "value")
        self.chip.add_class("smskit-count")
        self.widget = w.HBox(
            [self._column, self._op, self._slot, self.chip, *_menu(panel, _moves(panel, node.id))]
        )
        self.widget.add_class("smskit-rule")

    def show(self, node: Node, number: int) -> None:
        """Show the comparison as it is now; a widget that shows it already is not touched."""
        t = self._panel.t
        if number != self._number:
            self._number = number
            self._column.description = f"{t('Column')} {number}"
            self._op.description = f"{t('Condition')} {number}"
        columns = self._panel.columns
        names = [(t("choose a column"), ""), *((n, n) for n in columns)]
        if node.column and node.column not in columns:
            names.append((t("{name} (not in this segment)", name=node.column), node.column))
        choose(self._column, names, node.column)
        ops = list(self._ops(node.column)) if node.column else []
        ops += [node.op] if node.op and node.op not in ops else []
        choose(self._op, [(t(OP_WORDS[op]), op) for op in ops], node.op or None)
        now = (node.column, node.op, node.value)
        if now != self._shown:
            self._slot.children = self._value(node, columns.get(node.column))
            self._shown = (node.column, node.op, node.value)
        for value in self._slot.children:
            value.description = f"{t('Value')} {number}"

    def _ops(self, column: str) -> Sequence[str]:
        look = self._panel.columns.get(column)
        return look.ops if look else OPS

    # -- values ----------------------------------------------------------------------------

    def _value(self, node: Node, look: ColumnProfile | None) -> tuple[w.Widget, ...]:
        if not node.op or node.op in NULLS:
            return ()
        reading = look.reading if look else Reading.TEXT
        if node.op in LISTS and look and look.top and look.distinct <= _LISTED:
            return (self._choices(node.value, look),)
        if node.op == "within_days":
            return (self._days(node),)
        if reading is Reading.FLAG and node.op in ("==", "!="):
            return (self._yes_no(node.value),)
        if node.op in DATES and _day(node.value) is not False:
            return (self._day(node.value),)
        return (self._free(node, look, reading),)

    def _takes(self, made: Any, read: Callable[[], Any]) -> Any:
        """Let *made* set the comparison's value to what *read* finds in it."""

        def take() -> None:
            value = read()
            self._shown = (*self._shown[:2], value)  # it is there already
            self._panel.set_value(self.id, value)

        made.observe(self._panel.unless_shown(take), "value")
        return made

    def _choices(self, value: Any, look: ColumnProfile) -> w.Widget:
        chosen = [written(v) for v in value or []]
        listed = [(f"{text} ({n:,})", text) for text, n in look.top]
        known = {text for _, text in listed}
        told = mark("{name} (not in the data)")
        listed += [(self._panel.t(told, name=v), v) for v in chosen if v not in known]
        made = Ticks(self._panel.t, listed, chosen)
        return self._takes(made, lambda: [typed("==", look.reading, text) for text in made.value])

    def _days(self, node: Node) -> w.Widget:
        if not isinstance(node.value, int):
            node.value = 30
        made = _quiet(w.BoundedIntText, "", 120, value=node.value, min=1, max=36_500)
        return self._takes(made, lambda: made.value)

    def _yes_no(self, value: Any) -> w.Widget:
        t = self._panel.t
        options = [(t("choose"), None), (t("Yes"), True), (t("No"), False)]
        made = _quiet(w.Dropdown, "", 120, options=options, value=value if isinstance(value, bool) else None)
        return self._takes(made, lambda: made.value)

    def _day(self, value: Any) -> w.Widget:
        made = _quiet(w.DatePicker, "", 170, value=_day(value) or None)
        return self._takes(made, lambda: made.value.isoformat() if made.value else None)

    def _free(self, node: Node, look: ColumnProfile | None, reading: Reading | None) -> w.Widget:
        op = node.op
        options = list(look.suggests[:_FEW]) if look and op not in (*PARTS, *LISTS) else []
        made = _quiet(w.Combobox, "", 220, value=written(node.value), options=options, ensure_option=False)
        made.continuous_update = False
        made.placeholder = self._hint(op, look)
        return self._takes(made, lambda: typed(op, reading, made.value))

    def _hint(self, op: str, look: ColumnProfile | None) -> str:
        t = self._panel.t
        if op in LISTS:
            return t("values, parted by commas")
        if op == "between":
            return f"{look.low}, {look.high}" if look and look.low else t("low, high")
        return f"{look.low} … {look.high}" if look and look.low else t("value")


def _moves(panel: Around, id_: int) -> list[w.Widget]:
    t, editor = panel.t, panel.editor
    actions: list[tuple[str, str, Callable[[], Any]]] = [
        ("↑", t("Move up"), partial(editor.move, id_, -1)),
        ("↓", t("Move down"), partial(editor.move, id_, 1)),
        (t("or…"), t("Put into a group of alternatives"), partial(editor.wrap, id_, "any")),
        (t("not"), t("Turn into its opposite"), partial(editor.wrap, id_, "not")),
        ("✕", t("Remove"), partial(editor.remove, id_)),
    ]
    made = []
    for words, tip, act in actions:
        each = button(words, tip=tip)
        each.add_class("smskit-small")
        each.on_click(panel.on_edit(act))
        made.append(each)
    return made


def _menu(panel: Around, moves: Sequence[w.Widget]) -> list[w.Widget]:
    """A button, and behind it what can be done with a part: shown when it is pressed."""
    inner = w.HBox(moves, layout=w.Layout(display="none"))
    more = button("⋮", tip=panel.t("More"))
    more.add_class("smskit-small")

    def toggle(_: Any) -> None:
        inner.layout.display = "none" if inner.layout.display != "none" else ""

    more.on_click(toggle)
    return [inner, more]


def _quiet(kind: type[Any], label: str, width: int, **options: Any) -> Any:
    """An input whose label is for assistive technology; its place in the row says the same."""
    made = kind(description=label, **options)
    made.layout.width = f"{width}px"
    made.add_class("smskit-quiet")
    return made


def _day(value: Any) -> date | bool | None:
    """The day that a value says, None for no value, False for what a date picker cannot show."""
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return False
