"""
A rule as a few lines of pandas that keep the same rows, to be pasted into a cell.

Plain pandas where it says the same; where a cell is read in a way pandas does not know (dates as people write
them, ¥1,299.00, yes and no), the comparison is asked of smskit. Missing values stay missing until the end, as
three-valued logic wants it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from smskit.audience.rules.columns import Column, Source
from smskit.audience.rules.comparison import LISTS, NULLS
from smskit.audience.rules.fit import Kind, Reading
from smskit.audience.rules.tree import All, Any_, Leaf, Not, Rule
from smskit.audience.rules.values import Bound

__all__ = ["to_pandas"]

_EXACT: Final = 2**53  # whole numbers up to here are exact as floats
_AMONG: Final = """
def among(cells, values):
    return cells.isin(values).astype("boolean").mask(cells.isna())
"""
_ASKED: Final = '''
def asked(rule):
    """As smskit reads the cells; missing where one cannot be read."""
    yes, no = (parse(each).mask(df, now=now) for each in (rule, {{"not": rule}}))
    return pd.Series(yes, df.index, dtype="boolean").mask(~(yes | no))


now = datetime.fromisoformat("{now}")
'''


def to_pandas(rule: Rule, source: Source, now: datetime) -> str:
    """
    The text; it keeps in ``kept`` the rows of a frame ``df`` that *rule* keeps of the frame of *source*.

    Raises:
        RuleError: the rule does not fit the frame.
    """
    if not rule.columns():
        return "kept = df\n"
    condition = _condition(rule, source)
    lines = ["import pandas as pd"]
    helpers = ""
    if "asked(" in condition:
        lines = ["from datetime import datetime", "", "import pandas as pd", ""]
        lines += ["from smskit.audience.rules import parse"]
        helpers += "\n" + _ASKED.format(now=now.isoformat())
    if "among(" in condition:
        helpers += "\n" + _AMONG + "\n"
    joined = "\n".join(lines)
    return f"{joined}\n{helpers}\nkeep = {condition}\nkept = df[keep.fillna(False).astype(bool)]\n"


def _condition(rule: Rule, source: Source) -> str:
    if isinstance(rule, Leaf):
        return _leaf(rule, source)
    if isinstance(rule, Not):
        return f"~({_condition(rule.rule, source)})"
    assert isinstance(rule, All | Any_)
    parts = [_condition(part, source) for part in rule.rules]
    if not parts:
        return f'pd.Series({isinstance(rule, All)}, df.index, dtype="boolean")'
    return (" & " if isinstance(rule, All) else " | ").join(f"({part})" for part in parts)


def _leaf(leaf: Leaf, source: Source) -> str:
    column, name = source.column(leaf.column, "rules"), f"df[{leaf.column!r}]"
    if leaf.op in NULLS and not column.blanks:
        return f'{name}.{"isna" if leaf.op == "is_null" else "notna"}().astype("boolean")'
    if leaf.op in NULLS:
        return f"asked({leaf.to_data()!r})"
    reading, bounds = column.fit(leaf, "rules")
    cells = _cells(name, column, reading, bounds)
    return f"asked({leaf.to_data()!r})" if not cells else _compare(leaf.op, cells, bounds)


def _cells(name: str, column: Column, reading: Reading, bounds: Sequence[Bound]) -> str:
    """The column as pandas is to read it; "" where pandas does not read it as we do."""
    dtype, kind = column.dtype, column.kind
    if isinstance(dtype, pd.CategoricalDtype | pd.ArrowDtype):
        return ""
    if kind is Kind.TEXT and reading is Reading.TEXT:
        mixed = dtype.kind == "O" and not isinstance(dtype, pd.StringDtype)
        return "" if mixed or column.blanks or any(column.stray()) else f'{name}.astype("string[python]")'
    if reading is not Reading.NUMBER or any(not _is_exact(bound) for bound in bounds):
        return ""
    if kind is Kind.TEXT and _reads_plainly(column):
        return f'pd.to_numeric({name}, errors="coerce").astype("Float64")'
    if kind is Kind.WHOLE and dtype.kind == "i":
        return f'{name}.astype("Int64")'
    return f'{name}.astype("Float64")' if kind is Kind.NUMBER and dtype.kind == "f" else ""


def _is_exact(bound: Bound) -> bool:
    return isinstance(bound, int | float) and not isinstance(bound, bool) and abs(bound) < _EXACT


def _reads_plainly(column: Column) -> bool:
    """Whether pandas finds the same numbers in text, and none where we find none."""
    ours = column.floats(Reading.NUMBER)
    theirs = pd.to_numeric(column.series, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    return bool(same.all() and not (np.abs(ours) >= _EXACT).any())


def _compare(op: str, cells: str, bounds: Sequence[Bound]) -> str:
    first = repr(bounds[0])
    if op == "between":
        return f"({cells} >= {first}) & ({cells} <= {bounds[-1]!r})"
    if op in LISTS:
        return f"{'~' if op == 'not_in' else ''}among({cells}, {list(bounds)!r})"
    if op == "contains":
        return f"{cells}.str.contains({first}, regex=False)"
    if op == "starts_with":
        return f"{cells}.str.startswith({first})"
    return f"{cells} {op} {first}"
