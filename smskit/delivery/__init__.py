"""
What became of a campaign: over time, by failure, carrier and request, and person by person.

Reads the ledger chunk by chunk and keeps counts, never everybody. Leaves to
``reconcile`` what changes the books, and to ``report`` the books themselves.
"""

from smskit.delivery.choice import Ways, campaign_table, choose, is_test, settled_by
from smskit.delivery.codes import Explained, explain_code
from smskit.delivery.groups import GROUPS, MAY_ARRIVE, NEVER_AGAIN, Group
from smskit.delivery.people import TIMELINE, members, people_page, replies, timeline
from smskit.delivery.survey import UNITS, Survey, survey
from smskit.delivery.words import HEADINGS, MODES, STAGES

__all__ = [
    "GROUPS",
    "HEADINGS",
    "MAY_ARRIVE",
    "MODES",
    "NEVER_AGAIN",
    "STAGES",
    "TIMELINE",
    "UNITS",
    "Explained",
    "Group",
    "Survey",
    "Ways",
    "campaign_table",
    "choose",
    "explain_code",
    "is_test",
    "members",
    "people_page",
    "replies",
    "settled_by",
    "survey",
    "timeline",
]
