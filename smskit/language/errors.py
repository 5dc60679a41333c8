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
    # -- segments and rules
    r"no segment given: name a file, a database URL or env:NAME": "未指定分群：请填文件、数据库 URL 或 env:NAME",
    r"(?P<name>.*): no such file(?: in (?P<where>.*))?": "{name}：找不到该文件，请检查路径",
    r"(?P<name>.*): row (?P<row>\d+):? .*quote is opened and not properly closed.*": "{name}：第 {row} 行的引号没有正确闭合，请修正文件",
    r"(?P<name>.*): row (?P<row>\d+) has (?P<n>\d+) cells where the first row names (?P<m>\d+) columns.*": "{name}：第 {row} 行有 {n} 格，而首行有 {m} 列；含分隔符或换行的单元格请加引号",
    r"(?P<name>.*): is empty; the first row must name the columns": "{name}：文件为空，首行应为列名",
    r"(?P<name>.*): cannot be read as (?P<kind>\w+).*": "{name}：无法按 {kind} 格式读取，文件可能已损坏",
    r"(?P<name>.*): that environment variable is not set.*": "{name}：没有设置这个环境变量，请将路径或 URL 放入其中",
    r"(?P<name>.*): a query needs a database; this is a file, filter it with rules": "{name}：查询只用于数据库；文件请用规则筛选",
    r"the segment's database: a database needs a query; give `segment_query`, one SELECT": "数据库需要一条查询（SELECT）",
    r"the segment's database: the query failed: (?P<why>.*)": "查询失败：{why}",
    r"the segment's database: its URL carries a password; .*": "URL 中含有密码：请把 URL 放入环境变量，再填 env:NAME",
    r"the segment's database: cannot be connected to \((?P<why>.*)\); .*": "无法连接数据库（{why}）：请检查地址、用户名和密码",
    r"rules\S*: the segment has no column `(?P<name>[^`]*)`; did you mean `(?P<near>[^`]*)`\?": "分群中没有列 `{name}`，是否指 `{near}`？",
    r"rules\S*: the segment has no column `(?P<name>[^`]*)`": "分群中没有列 `{name}`",
    r"rules\S*: (?P<value>.*) does not fit `(?P<name>[^`]*)`, which is (?P<kind>.*)": "{value} 与列 `{name}` 的类型（{kind}）不符",
    r"rules\S*: `(?P<op>[^`]*)` (?P<value>.*) cannot be asked of `(?P<name>[^`]*)`, which is (?P<kind>.*)": "列 `{name}`（{kind}）不支持 `{op}` {value}",
    r"rules\S*: `between` needs two values, \[low, high\], got (?P<n>\d+)": "“介于”需要两个值：下限, 上限",
    r"rules\S*: the low end (?P<low>.*) is above the high end (?P<high>.*)": "下限 {low} 大于上限 {high}",
    r"rules\S*: .* are mixed; put all values in quotes, or none": "几个值的类型不一致",
    r"choose a column": "请选择列",
    r"choose a condition": "请选择条件",
    r"give a value": "请填写值",
    r"nothing was saved, a rule is not finished: (?P<problem>.*)": "未保存，有一条规则尚未填完：{problem}",
    r"this group is empty; add a rule to it or remove it": "条件组为空：请添加条件或删除该组",
    r"rules are nested deeper than (?P<n>\d+)": "规则嵌套超过 {n} 层",
    r"the two segments share neither column `(?P<a>.*)` nor `(?P<b>.*)`, so people cannot be compared.*": "两个分群没有共同的列 `{a}` 或 `{b}`，无法对比",
    r"(?P<name>.*) is there already; choose another name, or say that it may be replaced": "{name} 已存在：请换名，或勾选替换",
    r"(?P<name>.*): a segment is one of (?P<kinds>.*)": "{name}：分群文件应为 {kinds} 之一",
    r"(?P<name>.*): a segment is saved as \.csv or \.parquet": "{name}：分群只能保存为 .csv 或 .parquet",
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
    # guards of a run
    r"the plan is (?P<now>\w+), not (?P<wanted>\w+) as parameter `plan_hash` demands: .*": (
        "现在的计划是 {now}，不是确认过的 {wanted}：供应商、签名、模板、人员或内容有变化，请重新查看后再发送"
    ),
    r"campaign (?P<name>\S+) was started with plan (?P<now>\w+), not (?P<wanted>\w+) as .*": (
        "活动 {name} 开始时的计划是 {now}，不是参数 plan_hash 要求的 {wanted}"
    ),
    r"(?P<n>\d+) people are more than `max_recipients` \((?P<most>\d+)\)": (
        "{n} 人超过最多人数 max_recipients（{most}）"
    ),
    r"about (?P<cost>\S+) yuan are more than `max_cost` \((?P<most>\S+)\)": (
        "约 {cost} 元超过最多费用 max_cost（{most}）"
    ),
    r"it is later than `not_after` \((?P<at>[^)]*)\)": "已过最晚时间 not_after（{at}）",
    r"marketing may leave (?P<window>\S+) \((?P<zone>\S+)\), and it is (?P<now>\S+) there\. .*": (
        "营销短信只能在 {window}（{zone}）发送，现在是 {now}。请到时段内再发送，或修改发送时段"
    ),
    r"mode `plan` sends nothing; use mode `rehearse` or `live`": (
        "仅计划模式不发送；请改用演练 rehearse 或正式 live"
    ),
    r"(?P<n>\d+) people would get a message; type that number to confirm": "将发送给 {n} 人；请输入这个人数确认",
    r"the plan is not ready; wait until it is shown": "计划还没准备好，请等它显示出来",
    r"the parameters were changed after the confirmation": "确认之后参数又被修改了",
    r"nobody is planned": "没有人会收到短信",
    r"campaign (?P<name>\S+) is being sent right now": "活动 {name} 正在发送",
    r"campaign (?P<name>\S+) is finished; give the next one an id of its own": (
        "活动 {name} 已完成；下一次请换一个活动编号"
    ),
    r"campaign (?P<name>\S+) \((?P<mode>\w+)\) was started with something else: (?P<what>.*)\. Give .*": (
        "活动 {name}（{mode}）开始时的参数不同：{what}。请换一个活动编号，或改回原来的参数"
    ),
    r"campaign (?P<name>\S+) \((?P<mode>\w+)\) stopped with (?P<n>\d+) people still waiting: "
    r"(?P<why>.*)\. Run it again, or .*": "活动 {name}（{mode}）已停止，还有 {n} 人待发：{why}。可以继续发送",
    r"a stop was requested": "有人要求停止",
    r"stopped by hand": "手动停止",
    r"told to end \((?P<signal>\w+)\)": "进程被要求结束（{signal}）",
    r"finished before; nothing was sent again": "之前已完成，没有重复发送",
    r"(?P<n>\d+) outcomes are unknown; .*": "{n} 条结果未知；取状态报告时核实",
    # a run far from usual
    r"it is not as usual: (?P<why>.*)\. If that is meant, say `drift: allow`": (
        "与往期相差过大：{why}。若属本意，请设 `drift: allow`"
    ),
    r"allowed by `drift: allow`: (?P<why>.*)": "已由 `drift: allow` 放行：{why}",
    r"(?P<n>\d+) (?P<what>[a-z ]+), less than 1/(?P<factor>\S+) of (?P<usual>\S+), the median of (?P<runs>\d+) runs": (
        "{what} {n}，不到最近 {runs} 次中位数 {usual} 的 1/{factor}"
    ),
    r"(?P<n>\d+) (?P<what>[a-z ]+), more than (?P<factor>\S+) times (?P<usual>\S+), the median of (?P<runs>\d+) runs": (
        "{what} {n}，超过最近 {runs} 次中位数 {usual} 的 {factor} 倍"
    ),
    r"rows of the segment": "分群行数",
    r"rows that pass the rules": "通过规则的行数",
    r"people to be reached": "可达人数",
    r"(?P<share>\S+%) of the rows have a good `(?P<column>.*)`, (?P<usual>\S+%) is the median of (?P<runs>\d+) runs": (
        "列 `{column}` 有效的行占 {share}，最近 {runs} 次的中位数为 {usual}"
    ),
    r"(?P<share>\S+%) of the rows are left out for (?P<reason>\w+), (?P<usual>\S+%) is the median of (?P<runs>\d+) runs": (
        "因 {reason} 排除的行占 {share}，最近 {runs} 次的中位数为 {usual}"
    ),
    r"the text of template (?P<id>.*) changed: in (?P<run>\S+) it was `(?P<before>.*)`, now it is `(?P<now>.*)`": (
        "模板 {id} 的内容变了：{run} 时为“{before}”，现在为“{now}”"
    ),
    # a canary
    r"(?P<who>\S+) has no receipts to fetch, so a canary cannot be looked at\. Say `canary: 0`": (
        "{who} 不提供状态报告，无法查看先发的结果；请设 `canary: 0`"
    ),
    r"waits until (?P<day>\S+) (?P<at>\S+) \S+ for receipts of the first (?P<n>\d+) people, its canary": (
        "先发的 {n} 人已发出，等待状态报告至 {day} {at}"
    ),
    r"while the canary of (?P<n>\d+) people was waited for: (?P<why>.*)": "等待先发的 {n} 人的结果时：{why}",
    r"its wait would end later than `not_after`": "等待结束时会晚于最晚时间 not_after",
    r"some of the canary were not taken for now": "先发的人中有人暂未被受理",
    r"canary passed: (?P<what>.*)": "先发已通过：{what}",
    r"the canary did not pass: (?P<why>.*) \((?P<what>of \d+ people [^()]*)\)\. A run looks at its receipts again; .*": (
        "先发未通过：{why}（{what}）。再次运行会重新查看状态报告；设 `canary: 0` 则不看就继续；不作改动则不会发给其他人"
    ),
    r"(?P<n>\d+) of (?P<all>\d+) failed \((?P<share>\S+)\), more than `canary_max_failure` \((?P<most>\S+)\)": (
        "{all} 人中 {n} 人失败（{share}），超过 `canary_max_failure`（{most}）"
    ),
    r"(?P<n>\d+) of (?P<all>\d+) opted out \((?P<share>\S+)\), more than `canary_max_opt_out` \((?P<most>\S+)\)": (
        "{all} 人中 {n} 人退订（{share}），超过 `canary_max_opt_out`（{most}）"
    ),
    r"receipts are there for less than half of it \((?P<n>\d+) of (?P<all>\d+)\), which is too few to judge": (
        "{all} 人中只有 {n} 人已有结果，不到一半，不足以判断"
    ),
    r"of (?P<n>\d+) people (?P<a>\d+) delivered, (?P<b>\d+) undelivered, (?P<c>\d+) refused, (?P<d>\d+) unknown, "
    r"(?P<e>\d+) without a receipt, (?P<f>\d+) opted out": (
        "{n} 人中送达 {a}、未送达 {b}、被拒 {c}、未知 {d}、无状态报告 {e}、退订 {f}"
    ),
    r"(?P<what>of \d+ people [^()]*), (?P<n>\d+) not sent to": "{what}、未发 {n}",
    # what else a run waits for, or stopped for
    r"waits for the send window, which opens at (?P<at>.*)": "等待发送时段，{at} 开放",
    r"the send window \((?P<window>.*)\) is closed": "发送时段（{window}）已过",
    r"some were not taken for now": "有人暂未被受理",
    r"some were never taken by the provider and wait to be sent": "有人未被供应商受理，等待发送",
    r"stopped at once; requests on the way became unknown": "已立即停止；在途请求的结果未知",
    r"(?P<n>\d+) requests in a row did not get through\. Last: (?P<why>.*)": "连续 {n} 个请求未送到。最后一个：{why}",
    r"(?P<n>\d+) requests in a row had no clear answer\. Last: (?P<why>.*)": "连续 {n} 个请求没有明确应答。最后一个：{why}",
    r"(?P<n>\d+) messages in a row were refused for what they say\. Last: (?P<why>.*)": (
        "连续 {n} 条短信因内容被拒。最后一条：{why}"
    ),
    # choosing and testing
    r"parameter `test_phones` is empty: .*": "还没有测试号码",
    r"nobody is planned, so there is nothing to test with": "没有人会收到短信，无法测试",
    r"(?P<who>.*) is not in the segment, or a rule of the campaign leaves that row out": (
        "{who} 不在分群中，或被活动规则排除"
    ),
    r"parameter `(?P<name>\w+)` is required": "缺少参数 {name}",
    r"parameter `campaign` must be an id of 1 to 120 letters, digits, and \. : _ \+ -": (
        "活动编号 `campaign` 须为 1 到 120 个字母、数字或 . : _ + -"
    ),
    r"parameter `(?P<name>\w+)`: must be at least (?P<n>\S+)": "`{name}` 不能小于 {n}",
    r"parameter `(?P<name>\w+)`: must be more than (?P<n>\S+)": "`{name}` 须大于 {n}",
    r"parameter `(?P<name>\w+)`: must be at most (?P<n>\S+)": "`{name}` 不能大于 {n}",
    r"parameter `(?P<name>\w+)`: must be a whole number": "`{name}` 须为整数",
    r"parameter `(?P<name>\w+)`: must be a number": "`{name}` 须为数字",
    r"parameter `(?P<name>\w+)`: must not be empty": "`{name}` 不能为空",
    r"parameter `(?P<name>\w+)`: must be (?P<one>'.*)": "`{name}` 只能是 {one}",
    r"parameter `(?P<name>\w+)`: must be a date or date-time such as (?P<one>\S+) or (?P<two>\S+)": (
        "`{name}` 须为日期或日期时间，如 {one} 或 {two}"
    ),
    r"parameter `send_window`: must read like 08:00-20:00, or be empty for always": (
        "`send_window` 应写成 08:00-20:00，留空则随时可发"
    ),
    r"parameter `send_window`: holds a time that does not exist": "`send_window` 中有不存在的时间",
    r"parameter `send_window`: starts when it ends; leave it empty for always": (
        "`send_window` 的起止时间相同；要随时可发请留空"
    ),
    r"parameter `frequency_cap`: must read like 2/7d \(two in any seven days\) or 1/24h": (
        "`frequency_cap` 应写成 2/7d（任意 7 天最多 2 条）或 1/24h"
    ),
    r"parameter `canary_wait`: must read like 30m, 2h or 1d": "`canary_wait` 应写成 30m、2h 或 1d",
    r"parameter `timezone`:? is not a time zone name such as Asia/Shanghai": (
        "`timezone` 须为时区名，如 Asia/Shanghai"
    ),
    r"parameter `opt_out_wording`: must be add, demand, empty, or words that say how to opt out such as (?P<one>.*)": (
        "`opt_out_wording` 须为 add、demand、空，或说明如何退订的文字，如 {one}"
    ),
    r"parameter `campaign` has a placeholder (?P<one>\S+); known are (?P<known>.*?)(?:; did you mean .*)?": (
        "`campaign` 的占位符 {one} 不认识；可用的有 {known}"
    ),
    r"parameter `(?P<name>\w+)` looks like a credential\. .*": (
        "`{name}` 像是密钥。参数会写进执行过的笔记本：请改放环境变量、.env 文件或系统钥匙串"
    ),
    r"give the text as parameter `template`, or the provider's `template_id`": "请填写模板内容，或供应商的模板编号",
}
_NOTHING = "nothing was sent: "


def in_chinese(error: SmskitError) -> str:
    """One error as a Chinese sentence."""
    headline = next(words for kind, words in _HEADLINES if isinstance(error, kind))
    return f"{headline}：{sentence(str(error))}"


def sentence(english: str) -> str:
    """What the floors below say, in Chinese where it is known; several guards are said one by one."""
    pieces = english.removeprefix(_NOTHING).split("; ")
    said: list[str] = []
    known = False
    while pieces:
        # A sentence may hold a semicolon of its own, so the longest that is known is taken.
        n = next(
            (n for n in range(len(pieces), 1, -1) if told(_join(pieces[:n]), TOLD) != _join(pieces[:n])), 1
        )
        said.append(told(_join(pieces[:n]), TOLD))
        known = known or said[-1] != _join(pieces[:n])
        pieces = pieces[n:]
    return "；".join(said) if known else english


def _join(pieces: Sequence[str]) -> str:
    return "; ".join(pieces)


def told(english: str, patterns: Mapping[str, str]) -> str:
    """
    *english* as the first pattern that fits it says it; as it is where none does.

    What a pattern calls ``problem``, ``why`` or ``what`` is a sentence, or several, to be told in the same way.
    """
    for pattern, chinese in patterns.items():
        if match := re.fullmatch(pattern, english, re.DOTALL):
            found = {name: value or "" for name, value in match.groupdict().items()}
            found |= {name: sentence(found[name]) for name in ("problem", "why", "what") if name in found}
            return chinese.format(**found)
    return english
