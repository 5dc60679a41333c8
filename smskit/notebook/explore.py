"""
Notebook 02: load, look, filter, compare, save, as plain steps and as a panel over the same model.

Shows and asks, decides nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from smskit.audience.explore import Comparison
from smskit.audience.explore.profile import distribution
from smskit.audience.explore.tables import compare_table, profile_table, shares_table
from smskit.errors import SmskitError, needs_extra
from smskit.i18n import Language, mark
from smskit.notebook import display as shown
from smskit.notebook.base import Base, draft_of, step
from smskit.notebook.display import Shown
from smskit.notebook.host import Host, host_of
from smskit.notebook.mistakes import opens
from smskit.notebook.sample import sample_segment
from smskit.notebook.segment_model import SegmentModel
from smskit.planning.draft import Draft
from smskit.reporting.charts import explore as charts
from smskit.sending.origin import origin_of
from smskit.settings import Environment

__all__ = ["ExploreNotebook", "open_explore"]

_SAMPLE = "clean.csv"
_SUITS_SAMPLE = {
    "consent": "consent",
    "rules": {
        "all": [
            {"column": "level", "op": "in", "value": ["gold", "platinum"]},
            {
                "any": [
                    {"column": "spend_90d", "op": ">=", "value": 500},
                    {"not": {"column": "city", "op": "==", "value": "上海"}},
                ]
            },
        ]
    },
}


@opens
def open_explore(namespace: Mapping[str, Any]) -> ExploreNotebook:
    """
    Start notebook 02 from its parameters; the first call after the parameters cell.

    Without any parameter it looks at a sample segment.

    Args:
        namespace: ``globals()`` of the notebook.

    Raises:
        SpecError: a parameter is unknown or out of range.
    """
    host = host_of()
    draft = draft_of(namespace, host)
    if draft["segment"]:
        file = origin_of(Environment(), namespace).file
        return ExploreNotebook(draft, host=host, parameter_file=Path(file) if file else None)
    sample = {name: value for name, value in _SUITS_SAMPLE.items() if not draft[name]}
    draft.set(segment=sample_segment(_SAMPLE), **sample)
    return ExploreNotebook(draft, host=host, sample=sample)


class ExploreNotebook(Base):
    """
    A segment with every step shown.

    ``model`` is what the steps and the panel both work on.

    Args:
        sample: What of the draft goes away with the sample segment, see `SegmentModel`.
    """

    follow = frozenset({"look", "_rules", "steps"})

    def __init__(
        self,
        draft: Draft,
        *,
        host: Host | None = None,
        sample: Mapping[str, Any] | None = None,
        parameter_file: Path | None = None,
    ) -> None:
        super().__init__(draft, host=host)
        self.model = SegmentModel(draft, sample=sample, parameter_file=parameter_file)
        self._turn = threading.Lock()

    @needs_extra("notebook")
    def panel(self, *, frame: pd.DataFrame | None = None) -> None:
        """
        Show the panel.

        Args:
            frame: A frame of any cell, to be the segment from now on.

        Raises:
            SegmentError: the frame is no segment.
        """
        self.panel_shown = True
        from smskit.notebook.panels.explore import ExplorePanel

        if frame is not None:
            self.use(frame)
        shown.show_widget(ExplorePanel(self.page, self.model, cells=self._again))

    def _again(self) -> None:
        """Let the cells that were run tell the segment and the rules there are now."""
        with self._turn:  # the one that waits sees what is newest
            # Where another segment was chosen meanwhile, it is being read, and this is called again.
            for cell in list(self._cells.values()) if self.model.is_current else ():
                with suppress(SmskitError):  # unfinished rules: what the last whole ones gave stays
                    cell()

    def use(self, frame: pd.DataFrame) -> None:
        """
        Let a frame of any cell be the segment from now on.

        Raises:
            SegmentError: it is no segment.
        """
        self.model.use(frame)
        self.model.load()

    @step
    def look(self, column: str = "") -> None:
        """
        Show what the segment holds: every column, whom its phones reach; or how one column is spread.

        Raises:
            SegmentError: the segment cannot be read.
        """
        loaded = self.model.current()
        if column:
            column_profile = loaded.profile.columns.get(column)
            found = column_profile and distribution(
                loaded.frame, loaded.cache, column_profile, self.model.counts().mask
            )
            if not found or not len(found.bars):
                self.say("This column has no values to draw.")
                return
            self.show_svg(lambda t: charts.distribution(found, t))
            return
        self.show_frame(lambda t: profile_table(loaded.profile, t))
        if loaded.profile.rows and (coverage := loaded.profile.coverage):
            self.show_svg(lambda t: charts.coverage(coverage, t))
        for role, like in self.model.missing_roles().items():
            lacks = mark("The segment has no column `{name}`; choose the {role} column above.")
            self.say(lacks, name=self.draft[role], role=role)
            if like:
                self.say("`{like}` looks like phones.", like=like)

    def rules(self, rules: Any = ...) -> Shown[None]:
        """
        Show the rules in words and as SQL; given some, take them first. None keeps every row.

        Raises:
            RuleError: they are no rules, or do not fit the segment.
        """
        if rules is not ...:
            self.draft.set(rules=rules)
        return self._rules()

    @step
    def _rules(self) -> None:
        label, sql = self.model.editor.rule().label, self.model.sql()
        self.repeat(label)
        self.say(lambda _: sql)

    @step
    def steps(self) -> None:
        """
        Show what each step of the rules keeps, by itself and after all before it.

        Raises:
            RuleError: the rules do not fit the segment.
        """
        loaded = self.model.current()
        _, steps = loaded.cache.filter(self.model.editor.rule())

        def table(t: Language) -> pd.DataFrame:
            rows = [(t("segment"), loaded.profile.rows, loaded.profile.rows)]
            rows += [(t.render(step.label), step.alone, step.kept) for step in steps]
            return pd.DataFrame(rows, columns=[t("step"), t("rows it keeps alone"), t("left")])

        self.show_frame(table)

    def frame(self) -> pd.DataFrame:
        """
        The rows that are kept, as a pandas frame; holds full phones, so end no cell with it.

        Raises:
            RuleError: the rules do not fit the segment.
        """
        self.model.current()
        return self.model.frame()

    @step
    def compare(self, other: str | pd.DataFrame, *, query: str = "") -> Comparison:
        """
        Compare the rows that are kept with another segment, and show who is in which and where they differ.

        Args:
            other: What ``segment`` may be, or a frame.
        """
        self.model.current()
        there = self.model.read_other(other, query) if isinstance(other, str) else other
        found = self.model.compare(there)
        self.show_frame(lambda t: compare_table(found, t))
        if len(found.shares):
            self.show_svg(lambda t: charts.differences(found.shares, t))
            self.show_frame(lambda t: shares_table(found, t))
        return found

    def save(self, path: str, *, overwrite: bool = False) -> str:
        """
        Write a ``.yaml`` of the parameters, or a ``.csv`` or ``.parquet`` of the rows kept with full phones.

        Rows under a bare name go to the project's folder ``segments``, for their owner alone.

        Returns:
            Where it lies, as `segment` or papermill's ``-f`` takes it.

        Raises:
            InputError: it cannot be written, or a file of that name is there.
        """
        if path.endswith((".yaml", ".yml")):
            saved = str(self.draft.save(path))
        else:
            self.model.current()
            saved = self.model.save_rows(path, overwrite=overwrite)
        self.say("Saved to {path}", path=saved)
        return saved
