"""
A segment's profile, its comparison with another, and the rule that chooses from it; for the explore panel.

What can be asked of a column, the rule that is being built, what a segment
holds, how two compare, and where one is kept. Draws and clicks nothing.
"""

from smskit.audience.explore.compare import Comparison, compare
from smskit.audience.explore.files import keep_upload, offered, write_segment
from smskit.audience.explore.profile import ColumnProfile, Profile, profile_of
from smskit.audience.explore.rule_editor import Counts, Node, RuleEditor

__all__ = [
    "ColumnProfile",
    "Comparison",
    "Counts",
    "Node",
    "Profile",
    "RuleEditor",
    "compare",
    "keep_upload",
    "offered",
    "profile_of",
    "write_segment",
]
