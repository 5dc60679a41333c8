"""
``RuleCache``: one frame that many rules are asked of, one after another, as while a rule is being built.

Owns what is remembered in between, so that a change to one comparison costs
that comparison and nothing else. Answers are those of a fresh `Source`.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from threading import RLock
from typing import Any, Final

import pandas as pd

from smskit.audience.rules.columns import Source
from smskit.audience.rules.comparison import Comparison
from smskit.audience.rules.tree import Rule, Step
from smskit.audience.rules.typed import Answer, Mask

_ANSWERS_KEPT: Final = 48  # two bits a row each


class RuleCache(Source):
    """
    A frame whose columns and answers are kept.

    Args:
        frame: Not changed, and not to be changed while the cache is used.
        now: Aware; the clock of all rules asked.
    """

    def __init__(self, frame: pd.DataFrame, now: datetime) -> None:
        super().__init__(frame, now)
        self.now = now
        self._answers: OrderedDict[Any, Answer] = OrderedDict()
        self._lock = RLock()  # panels ask from threads

    def __repr__(self) -> str:
        return f"RuleCache({self.rows} rows)"

    def filter(self, rule: Rule) -> tuple[Mask, list[Step]]:
        """Return what ``rule.filter`` does for this frame and clock; errors are the same too."""
        return rule.filter_source(self)

    def count(self, rule: Rule) -> int:
        """Return how many rows *rule* keeps."""
        return rule.count_source(self)

    def answer(self, question: Comparison, where: str) -> Answer:
        # 1, 1.0 and true are equal in Python, and are not the same question.
        key = (question.column, question.op, *((type(v), v) for v in question.values))
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
            answer = super().answer(question, where)
            self._answers[key] = answer
            if len(self._answers) > _ANSWERS_KEPT:
                self._answers.popitem(last=False)
            return answer
