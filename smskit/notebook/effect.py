"""
Notebook 05: what a campaign brought, against its holdout; as plain steps and as a panel.

Shows and asks, decides nothing, and sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from smskit.errors import GuardRefused, SpecError, needs_extra
from smskit.i18n import Joined, Language, mark
from smskit.i18n.figures import share
from smskit.measuring.result import Measured
from smskit.measuring.sections import Section, Sections, arms_section
from smskit.measuring.side_by_side import sections_of
from smskit.models import Mode
from smskit.notebook.base import Base, draft_of, parameters_given, step
from smskit.notebook.display import show_widget
from smskit.notebook.handover import EFFECT, asked_for
from smskit.notebook.host import Host, host_of
from smskit.notebook.measurer import ASKED, Measurer
from smskit.notebook.mistakes import opens
from smskit.notebook.words import NO_CAMPAIGN
from smskit.planning.draft import Draft
from smskit.planning.problems import of_credentials, of_names
from smskit.planning.spec import CampaignSpec
from smskit.reporting.delivery import MODES

__all__ = ["EffectNotebook", "check_parameters", "open_effect"]

_TABLE: Final = mark(
    "Not measured yet: name the table of what people did (`outcomes`) and its columns, `time` where a row is "
    "an event or `converted` where a row is a person."
)


@opens
def open_effect(namespace: Mapping[str, Any]) -> EffectNotebook:
    """
    Start the notebook from its parameters; the first call after the parameters cell.

    Without a campaign it measures the newest live one that kept a holdout back, else the newest rehearsed.
    Parameters of campaigns that are none of this notebook's are let be: the file of a campaign can be
    handed over as it is.

    Args:
        namespace: ``globals()`` of the notebook; of it ``campaign``, ``mode`` and the options of
            ``smskit measure`` are read.

    Raises:
        SpecError: a parameter is unknown or out of range.
        LedgerError: there is no campaign of that name.
    """
    host = host_of()
    values = dict(namespace) | dict(check_parameters(parameters_given(namespace)))
    campaign, mode = asked_for(values, EFFECT, is_person=host.is_person)
    measurer = Measurer({name: values[name] for name in ASKED if name in values})
    # What was only planned is none to measure; a file that says so is about the sending.
    measurer.choose(campaign, "" if mode == Mode.PLAN else mode)
    draft = Draft({"campaign": campaign}) if campaign else draft_of({}, host)
    return EffectNotebook(draft, host=host, measurer=measurer)


def check_parameters(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    *given* itself, whose names are known to this notebook or to campaigns.

    Raises:
        SpecError: one is not, or a value is a credential.
    """
    known = [*CampaignSpec.model_fields, *ASKED]
    if problems := of_names(given, known) + of_credentials(given, known):
        raise SpecError(Joined(text for _, text in problems))
    return given


class EffectNotebook(Base):
    """
    A campaign measured, with every step shown.

    Args:
        measurer: The same object serves the panel.
    """

    def __init__(self, draft: Draft, *, host: Host | None = None, measurer: Measurer | None = None) -> None:
        super().__init__(draft, host=host)
        self.measurer = measurer or Measurer()

    def __repr__(self) -> str:
        row = self.measurer.row
        return f"EffectNotebook({row.name if row else 'no campaign'})"

    @needs_extra("notebook")
    def panel(self) -> None:
        """Show the panel, where somebody can click."""
        self.panel_shown = True
        if self.host.is_person:
            from smskit.notebook.panels.effect import EffectPanel

            show_widget(EffectPanel(self.page, self.measurer))

    @step
    def campaigns(self) -> None:
        """Show the campaigns that can be measured, those with a holdout first, and by which table."""
        found = self.measurer.campaigns()
        if not found:
            self.say(NO_CAMPAIGN)
            return
        chosen = self.measurer.row
        frame = pd.DataFrame(
            [
                {
                    "chosen": chosen is not None and row.id == chosen.id,
                    "campaign": row.name,
                    "mode": str(row.mode),
                    "series": row.series,
                    "holdout": float(row.spec.get("holdout", 0) or 0),
                    "started": pd.Timestamp(row.started_at or row.created_at, unit="s", tz=row.zone),
                }
                for row in found
            ]
        )
        self.show_frame(lambda t: _listed(frame, t), frame)
        if self.measurer.asked["outcomes"]:
            self.say(
                "Outcomes: {table}, window {window}",
                table=self.measurer.source_name,
                window=self.measurer.asked["window"],
            )

    @step
    def arms(self) -> None:
        """Show who is in which arm, and whether the split is the one that was drawn."""
        if self.measurer.row is None:
            self.say(NO_CAMPAIGN)
        elif self.measurer.is_ready:
            self._section(Sections(self.measurer.measure()).arms)
        else:
            self._section(arms_section(*self.measurer.arms()))

    @step
    def effects(self) -> None:
        """
        Show what it brought, each outcome with its sentence, and what an additional one cost.

        Raises:
            GuardRefused: nobody sits here, and no comparison is possible.
        """
        if (found := self._measured()) is None:
            return
        self._section(Sections(found).effects)
        if notices := Sections(found).notices:
            self._section(notices)
        if found.refused and not self.host.is_person:
            raise GuardRefused(found.refused.text)

    @step
    def interim(self) -> None:
        """Show how it came about; before the window is over, what may be looked at on any day."""
        if (found := self._measured()) is None:
            return
        if (section := Sections(found).over_time) is not None and not found.refused:
            self._section(section)
        else:
            self.say("A table of one row a person has no course of time.")

    @step
    def segments(self, column: str = "") -> None:
        """Show the effect by the values of a column; "" = the one that is asked for."""
        if column:
            self.measurer.set(by=column)
        if (found := self._measured()) is None:
            return
        if (section := Sections(found).segments) is not None:
            self._section(section)
        elif self.measurer.asked["by"]:
            self.say("Effects by segment are shown once the window is over.")
        else:
            self.say('By segment: name a column of the segment, `by = "city"` or `nb.segments("city")`.')

    @step
    def earlier(self) -> None:
        """Show the earlier occurrences of its series: their holdout is the same people."""
        found = self.measurer.earlier()
        if not found:
            self.say("It is the first of its series, and so is everybody in it.")
            return
        rows = [
            {
                "campaign": row.name,
                "started": pd.Timestamp(row.started_at or row.created_at, unit="s", tz=row.zone),
                "planned": int(row.summary.get("planned", 0)),
                "holdout": int(row.summary.get("excluded", {}).get("holdout", 0)),
            }
            for row in found
        ]

        def table(t: Language) -> pd.DataFrame:
            lines = [
                (row["campaign"], f"{row['started']:%Y-%m-%d}", row["planned"], row["holdout"])
                for row in rows
            ]
            return pd.DataFrame(lines, columns=[t("Campaign"), t("begun"), t("planned"), t("kept back")])

        if self.measurer.is_ready:
            pooled = self.measurer.pooled()
            if (section := Sections(pooled).cohorts) is not None:
                self._section(section)
        self.show_frame(table, pd.DataFrame(rows))
        self.say(
            "The same people are kept back each time, and who opted out or was capped is missing from one "
            "side only: `entrants = True` measures those alone for whom this is the first occurrence."
        )

    @step
    def next_holdout(self) -> None:
        """Show the smallest lift that a holdout of each share could show, at the rate that was seen."""
        if (found := self._measured()) is None:
            return
        if (section := Sections(found).next_holdout) is not None:
            self._section(section)
        else:
            self.say("Nobody converted, so nothing can be said of the next holdout.")

    @step
    def compare(self, *campaigns: str) -> None:
        """
        Show the arms of an experiment side by side: texts, providers, hours.

        Args:
            campaigns: The arms; none = those of the chosen campaign's experiment, where it is one.

        Raises:
            InputError: an unknown one, or only one is named.
            GuardRefused: nobody sits here, and what is named cannot be compared.
        """
        if not campaigns and len(self.measurer.beside()) < 2:
            self.say("It is no arm of an experiment: there is nothing to put beside it.")
            return
        found = self.measurer.compare(campaigns)
        for section in sections_of(found):
            self._section(section)
        if found.refused and campaigns and not self.host.is_person:
            raise GuardRefused(found.refused.text)

    def measure(self) -> Measured:
        """
        The measurement itself, as `smskit.measure` returns it.

        Raises:
            InputError: the table or an option cannot be used.
        """
        return self.measurer.measure()

    def _measured(self) -> Measured | None:
        if self.measurer.row is None:
            self.say(NO_CAMPAIGN)
        elif not self.measurer.is_ready:
            self.say(_TABLE)
        else:
            return self.measurer.measure()
        return None

    def _section(self, section: Section) -> None:
        for sentence in section.sentences:
            self.repeat(sentence)
        for picture in section.pictures:
            self.show_svg(picture)
        if section.table is not None:
            self.show_frame(section.table, section.frame)
        elif section.frame is not None:
            frame = section.frame
            self.show_frame(lambda _: frame)


def _listed(campaigns: pd.DataFrame, t: Language) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "": ["→" if chosen else "" for chosen in campaigns["chosen"]],
            t("Campaign"): campaigns["campaign"],
            t("mode"): [t(MODES[mode]) for mode in campaigns["mode"]],
            t("share kept back"): [share(held) for held in campaigns["holdout"]],
            t("begun"): [f"{at:%Y-%m-%d %H:%M}" for at in campaigns["started"]],
        }
    )
