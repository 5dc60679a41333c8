"""
Looking at a segment and choosing from it: the floor below the explore panel.

What can be asked of a column, the rule that is being built, what a segment
holds, how two compare, and where one is kept. Draws and clicks nothing.
"""

from smskit.explore.compare import Comparison, compare
from smskit.explore.desk import Desk, Loaded
from smskit.explore.editor import Counts, Node, RuleEditor
from smskit.explore.files import keep_upload, offered, write_segment
from smskit.explore.profile import ColumnLook, Look, look_at

__all__ = [
    "ColumnLook",
    "Comparison",
    "Counts",
    "Desk",
    "Loaded",
    "Look",
    "Node",
    "RuleEditor",
    "compare",
    "keep_upload",
    "look_at",
    "offered",
    "write_segment",
]
