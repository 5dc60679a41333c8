"""
What became of a campaign: over time, by failure, carrier and request, and person by person.

Reads the ledger chunk by chunk and keeps counts, never everybody. Leaves to
``reconcile`` what changes the books, and to ``report`` the books themselves.
"""

from smskit.reporting.delivery.choice import Ways, campaign_table, choose, is_test, settled_by
from smskit.reporting.delivery.codes import Explained, explain_code
from smskit.reporting.delivery.groups import GROUPS, MAY_ARRIVE, NEVER_AGAIN, Group
from smskit.reporting.delivery.labels import HEADINGS, MODES, STAGES
from smskit.reporting.delivery.overview import COMPARED, STATES, Figures, Overview, overview
from smskit.reporting.delivery.people import TIMELINE, members, people_page, replies, timeline
from smskit.reporting.delivery.statistics import UNITS, Survey, survey

__all__ = [
    "COMPARED",
    "GROUPS",
    "HEADINGS",
    "MAY_ARRIVE",
    "MODES",
    "NEVER_AGAIN",
    "STAGES",
    "STATES",
    "TIMELINE",
    "UNITS",
    "Explained",
    "Figures",
    "Group",
    "Overview",
    "Survey",
    "Ways",
    "campaign_table",
    "choose",
    "explain_code",
    "is_test",
    "members",
    "overview",
    "people_page",
    "replies",
    "settled_by",
    "survey",
    "timeline",
]
