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
TOLD: dict[str, str] = {
    # -- settings and credentials
    r"provider `(?P<name>[^`]+)` is not set up: (?P<what>[\w, ;]+?)(?: is missing)?\. Set it in the environment, in a "
    r"\.env file beside the notebook, or in the OS keyring\.": "供应商 `{name}` 尚未设置：缺少 {what}",
    r"provider `(?P<name>[^`]+)` is not set up: (?P<what>.*)": "供应商 `{name}` 的设置不正确：{what}",
    r"the keyring is switched off \(SMSKIT_KEYRING=0\)": "系统钥匙串已停用（SMSKIT_KEYRING=0）",
    r"this machine has no keyring service": "本机没有系统钥匙串服务",
    r"the keyring cannot be opened \((?P<kind>\w+)\)": "无法打开系统钥匙串（{kind}）",
    r"the keyring is switched off \(SMSKIT_KEYRING=0\); choose the \.env file instead": (
        "系统钥匙串已停用（SMSKIT_KEYRING=0），请改选 .env 文件"
    ),
    r"this machine has no keyring service; choose the \.env file instead": (
        "本机没有系统钥匙串服务，请改选 .env 文件"
    ),
    r"the keyring (?:cannot be opened|refused) \((?P<kind>\w+)\); choose the \.env file instead": (
        "系统钥匙串拒绝保存（{kind}），请改选 .env 文件"
    ),
    r"the keyring did not keep what it was given; choose the \.env file instead": (
        "系统钥匙串未能保存，请改选 .env 文件"
    ),
    r"the value of (?P<name>\w+) cannot stand in a \.env file; keep it in the keyring or the environment": (
        "{name} 的值无法写入 .env 文件，请存入系统钥匙串或环境变量"
    ),
    r"(?P<file>.*) cannot be read": "无法读取 {file}",
    r"(?P<file>.*) cannot be written: (?P<why>.*)": "无法写入 {file}：{why}",
    r"type the signature as the console shows it, without 【】": "请按控制台所示填写签名，不带【】",
    r"type the template's id, its text, or both": "请填写模板编号、内容，或两者",
    r"there is no template `(?P<name>.*)` among those listed or typed in": "列出或录入的模板中没有 `{name}`",
    r"the template begins with the signature 【(?P<one>.*)】 but `signature` is 【(?P<two>.*)】; make them the "
    r"same or remove one": "模板以签名【{one}】开头，而 `signature` 为【{two}】：请改为一致，或去掉其中一个",
    r"the simulator does not speak (?P<who>.*); use mode `plan`, then `live`": "模拟器不支持 {who}",
    r"`(?P<name>\w+)` is a key: it is asked for, and never written into a notebook": (
        "`{name}` 是密钥：请在提示时输入，不要写进笔记本"
    ),
    r"nobody is here to be asked for keys; put them into the environment or \.env": (
        "无人可输入密钥：请放入环境变量或 .env 文件"
    ),
    r"(?P<who>.*) has no check": "{who} 不支持检查",
}


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
