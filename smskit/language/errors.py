"""
What smskit's errors say, in Chinese.

An error is raised with its English words, names and values filled in; ``TOLD``
recognises the sentence and says it in Chinese with the same values. What is
not recognised keeps its English words behind a Chinese headline of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from smskit import errors
from smskit.errors import SmskitError

ZH: dict[str, str] = {}

# The most special class comes first.
_HEADLINES: Sequence[tuple[type[SmskitError], str]] = (
    (errors.SettingsError, "设置不完整"),
    (errors.SpecError, "参数有误"),
    (errors.SegmentError, "分群无法读取"),
    (errors.RuleError, "筛选规则有误"),
    (errors.TemplateError, "模板有误"),
    (errors.UnsupportedFeature, "该供应商不支持"),
    (errors.InputError, "输入有误"),
    (errors.GuardRefused, "已被保护条件拒绝，未发送"),
    (errors.NotUsable, "供应商不可用，未发送"),
    (errors.AccountProblem, "账号有问题"),
    (errors.OutcomeUnknown, "结果未知"),
    (errors.ProviderError, "供应商返回错误"),
    (errors.LedgerLocked, "另一个运行正在处理此活动"),
    (errors.PlanMismatch, "与已开始的活动不一致"),
    (errors.LedgerError, "账本出错"),
    (errors.CampaignPaused, "已暂停，仍有人待发"),
    (SmskitError, "出错"),
)

# English as a pattern with named groups -> Chinese with the same names in braces.
TOLD: dict[str, str] = {}


def in_chinese(error: SmskitError) -> str:
    """One error as a Chinese sentence."""
    headline = next(words for kind, words in _HEADLINES if isinstance(error, kind))
    return f"{headline}：{told(str(error), TOLD)}"


def told(english: str, patterns: Mapping[str, str]) -> str:
    """*english* as the first pattern that fits it says it; as it is where none does."""
    for pattern, chinese in patterns.items():
        if match := re.fullmatch(pattern, english, re.DOTALL):
            return chinese.format(**{name: value or "" for name, value in match.groupdict().items()})
    return english
