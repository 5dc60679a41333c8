"""
Filter as data: a tree of rules that says which rows of a frame are kept.

`parse` reads a rule; a rule gives a mask, counts per step, plain data and SQL
text. A value is only ever compared, never evaluated. Reading segments and
showing rules is left to others; the clock is handed in.
"""

from smskit.audience.rules.cache import RuleCache
from smskit.audience.rules.columns import Source, cell_texts
from smskit.audience.rules.comparison import OPS
from smskit.audience.rules.parsing import parse
from smskit.audience.rules.tree import All, Any_, Leaf, Not, Rule, Step, Verdict

__all__ = [
    "OPS",
    "All",
    "Any_",
    "Leaf",
    "Not",
    "Rule",
    "RuleCache",
    "Source",
    "Step",
    "Verdict",
    "cell_texts",
    "parse",
]
