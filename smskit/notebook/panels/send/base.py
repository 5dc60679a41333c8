"""``SendPart``: what the panels of notebook 03 have in common, the model and the plan they look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smskit.i18n import Language, mark
from smskit.models import REASONS
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import notice
from smskit.notebook.planner import Planning
from smskit.notebook.send_model import SendModel
from smskit.planning.problems import NO_TEXT

if TYPE_CHECKING:
    from smskit.notebook.panels.page import Page

__all__ = ["REASONS", "SendPart", "plan_state"]


class SendPart(Panel):
    """
    A panel that is drawn anew when the plan has changed.

    Args:
        model: What it shows and changes.
    """

    def __init__(self, page: Page, model: SendModel) -> None:
        super().__init__(page)
        self.model = model
        planned = self.attempt(self.show_plan)
        model.planning.on_change(lambda: planned(None))

    def show_plan(self) -> None:
        """Show the plan as it is now; called from a thread whenever it has changed."""

    @property
    def is_stale(self) -> bool:
        """Whether the plan that is shown is not the one of what is chosen now."""
        planning = self.model.planning
        return planning.now is not None and (planning.busy or planning.error is not None)

    def plan_state(self) -> str:
        """HTML that says whether the plan can be relied on; "" when it can."""
        return plan_state(self.model.planning, self.t)


def plan_state(planning: Planning, t: Language) -> str:
    """HTML that says whether the plan can be relied on; "" when it can."""
    if planning.busy:
        words = mark("Planning… what is shown belongs to the choices before.")
        return notice(t(words) if planning.now else t("Planning…"))
    if getattr(getattr(planning.error, "message", None), "msgid", "") == NO_TEXT:  # not wrong, not there yet
        return notice(t("Write the text of the message, or choose a template."))
    if planning.error is not None:
        return notice(t.error(planning.error), "warn")
    if planning.now is None or planning.now.started is None:
        plan = planning.now.plan if planning.now else None
        return notice(t(plan.looked_at)) if plan is not None and plan.looked_at else ""
    words = mark(
        "Campaign {name} has started: its audience is frozen, see “Send”. For other people or "
        "another text give it another id."
    )
    return notice(t(words, name=planning.now.started.name))
