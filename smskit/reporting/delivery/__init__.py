"""
What became of a campaign: over time, by failure, carrier and request, and person by person.

Reads the ledger chunk by chunk and keeps counts, never everybody. Leaves to
``reconcile`` what changes the books, and to ``report`` the books themselves.
"""

from smskit.reporting.delivery.choice import Ways, choose, is_test, settled_by
from smskit.reporting.delivery.codes import Explained, explain_code
from smskit.reporting.delivery.groups import GROUPS, MAY_ARRIVE, NEVER_AGAIN, Group, Whom
from smskit.reporting.delivery.labels import EVENTS, HEADINGS, MODES, PERSON_STATES, STAGES
from smskit.reporting.delivery.moments import UNITS, OverTime, over_time
from smskit.reporting.delivery.overview import COMPARED, STATES, Figures, Overview, overview
from smskit.reporting.delivery.people import TIMELINE, members, people_page, replies, timeline
from smskit.reporting.delivery.roster import SORTS, Roster, RosterPage, places
from smskit.reporting.delivery.statistics import Survey, survey

__all__ = [
    "COMPARED",
    "EVENTS",
    "GROUPS",
    "HEADINGS",
    "MAY_ARRIVE",
    "MODES",
    "NEVER_AGAIN",
    "PERSON_STATES",
    "SORTS",
    "STAGES",
    "STATES",
    "TIMELINE",
    "UNITS",
    "Explained",
    "Figures",
    "Group",
    "OverTime",
    "Overview",
    "Roster",
    "RosterPage",
    "Survey",
    "Ways",
    "Whom",
    "choose",
    "explain_code",
    "is_test",
    "members",
    "over_time",
    "overview",
    "people_page",
    "places",
    "replies",
    "settled_by",
    "survey",
    "timeline",
]
