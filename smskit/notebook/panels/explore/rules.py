"""A rule built by clicking: nested groups, conditions by column, values from the data, counts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

import ipywidgets as w

from smskit.audience.explore import ColumnProfile, Counts, Node, RuleEditor
from smskit.errors import SmskitError
from smskit.i18n import mark
from smskit.notebook.host import Host
from smskit.notebook.panels.explore.rule import GroupRow, LeafRow
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import button, chip, details, html, row, soft, soft_line, title
from smskit.notebook.panels.pressable import Pressable
from smskit.notebook.segment_model import SegmentModel

__all__ = ["RulesPanel"]

_CODE = ("pandas", "SQL", "YAML")


class RulesPanel(Panel):
    """
    The model's rule.

    Args:
        counted: Called with the counts after each change.
    """

    def __init__(self, page: Page, model: SegmentModel, counted: Callable[[Counts], None]) -> None:
        super().__init__(page)
        self.model, self._counted_then = model, counted
        self.counts: Counts | None = None
        self._rows: dict[int, LeafRow | GroupRow] = {}  # by the part's id
        self._whole, self._words = w.VBox(), html("")
        self._undo, self._redo = w.Button(), w.Button()
        self._code, self._code_of = Pressable(), ""
        self._edited: RuleEditor | None = None  # what the rows are of

    def build(self) -> Sequence[w.Widget]:
        self._rows, self._whole, self._words = {}, w.VBox(), html("")
        self._edited = None
        if self.model.loaded is None:
            return [soft_line(self.t("Load a segment first."))]
        self._edited = self.editor
        self._code_of = ""
        self._undo, self._redo = button(self.t("Undo")), button(self.t("Redo"))
        self._undo.on_click(self.on_edit(lambda: self.editor.undo()))
        self._redo.on_click(self.on_edit(lambda: self.editor.redo()))
        clear = button(self.t("Remove all"))
        clear.on_click(self.on_edit(lambda: self.editor.remove(self.editor.root.id)))
        self._code = Pressable()
        hint = self.t("Rows for which this holds are kept. Empty cells match only “is empty”.")
        self._arrange()
        self._show_counts()
        return [
            title(self.t("Rules"), hint),
            self._whole,
            row(self._undo, self._redo, clear, *self._copies()),
            self._words,
            self._code,
        ]

    def _copies(self) -> list[w.Widget]:
        """A button for each way to have the rules as code; an app's visitors have no use for it."""
        if self.page.host is Host.VOILA:
            return []
        copies = [button(kind, tip=self.t("Copy the rules as {kind}", kind=kind)) for kind in _CODE]
        for kind, each in zip(_CODE, copies, strict=True):
            each.on_click(self.attempt(partial(self._copy, kind)))
        return [soft_line(self.t("Copy as")), *copies]

    def _copy(self, kind: str) -> None:
        """Show the rules as code, and put them onto the clipboard; pressed again, take them off the page."""
        if self._code_of == kind:
            self._code_of, self._code.value = "", ""
            return
        text = self.model.as_code(kind)
        self._code_of = kind
        self._code.value = f'<pre tabindex="0" aria-label="{kind}">{escape(text)}</pre>'
        self._code.copy(text)

    def follow(self) -> None:
        """Show the model's rule if it is another than is shown."""
        if self.editor is not self._edited:
            self.draw()
            self.recount()

    # -- rows ------------------------------------------------------------------------------

    @property
    def editor(self) -> RuleEditor:
        """The rule that is edited."""
        return self.model.editor

    @property
    def columns(self) -> Mapping[str, ColumnProfile]:
        """What is known of the segment's columns, by name."""
        return self.model.loaded.profile.columns if self.model.loaded is not None else {}

    def _arrange(self) -> None:
        """
        Show the rule as it is now.

        A row of a part that is still there stays the same widget: what a person
        is typing or about to click is not taken away by a change next to it.
        """
        before, self._rows = self._rows, {}
        with self.showing:
            root = self.editor.root
            self._whole.children = (self._placed(root, before, itertools.count(1), whole=True),)

    def _placed(
        self, node: Node, before: Mapping[int, LeafRow | GroupRow], numbers: Iterator[int], *, whole: bool
    ) -> w.Widget:
        known = before.get(node.id)
        if node.kind == "leaf":
            leaf = known if isinstance(known, LeafRow) else LeafRow(self, node)
            leaf.show(node, next(numbers))
            self._rows[node.id] = leaf
            return leaf.widget
        stays = isinstance(known, GroupRow) and known.whole is whole
        group = known if stays and isinstance(known, GroupRow) else GroupRow(self, node, whole=whole)
        group.show(node, [self._placed(part, before, numbers, whole=False) for part in node.parts])
        self._rows[node.id] = group
        return group.widget

    # -- changes and counts ------------------------------------------------------------------

    def on_edit(self, change: Callable[[], Any]) -> Callable[[Any], None]:
        """A callback that changes the shape of the rule."""

        def edit() -> None:
            self.tell("")
            change()
            self._arrange()
            self.recount()

        return self.unless_shown(edit)

    def toggle(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Keep only the rows for which these hold, or do so no longer; see ``RuleEditor.toggle``."""
        self.on_edit(lambda: self.editor.toggle(rules))(None)

    def set_value(self, id_: int, value: Any) -> None:
        """Change one value: nothing moves on the page."""
        self.tell("")
        self.editor.change(id_, value=value)
        self.recount()

    def recount(self) -> None:
        """Count in the background, and let the draft have the rule if it is whole."""
        if self.model.loaded is None:
            return
        self._undo.disabled, self._redo.disabled = not self.editor.can_undo, not self.editor.can_redo
        self.model.put_rules()
        self.start("count", self.model.counts, self._counted)

    def _counted(self, counts: Counts) -> None:
        self.counts = counts
        self._show_counts()
        self._counted_then(counts)

    def _show_counts(self) -> None:
        counts = self.counts
        if counts is None or self.model.loaded is None or counts.rows != self.model.loaded.profile.rows:
            return
        for id_, shown in self._rows.items():
            shown.chip.value = self._count_of(id_, counts)
        self._words.value = self._in_words()
        self._code_of, self._code.value = "", ""  # it was of other rules

    def _count_of(self, id_: int, counts: Counts) -> str:
        if id_ in counts.problems:
            return chip(self.t.error(counts.problems[id_]), "warn")
        if id_ == self.editor.root.id:
            share = counts.kept / counts.rows if counts.rows else 0
            told = mark("{kept:,} of {rows:,} rows kept ({share:.1%})")
            return chip(self.t(told, kept=counts.kept, rows=counts.rows, share=share), "ok")
        warned = "".join(f" {chip(self.t.render(text), 'warn')}" for text in counts.unread.get(id_, ()))
        return self._plain_count(id_, counts) + warned

    def _plain_count(self, id_: int, counts: Counts) -> str:
        alone = self.t("{n:,} rows", n=counts.alone[id_]) if id_ in counts.alone else ""
        if id_ in counts.after:
            return f"{chip(alone)} {chip(self.t('{n:,} left', n=counts.after[id_]), 'ok')}"
        return chip(alone) if alone else ""

    def _in_words(self) -> str:
        """The rule in words and as SQL, or what it lacks."""
        try:
            label, sql = self.t.render(self.editor.rule().label), self.model.sql()
        except SmskitError:
            unfinished = self.t("Not finished: the parameters keep the last complete rules.")
            return soft(unfinished)
        both = f"<pre>{escape(label)}</pre><p></p><pre>{escape(sql)}</pre>"
        return details(self.t("In words and as SQL"), both)
