"""Why a run is refused, stops or is not as usual, and what a plan's notices and the doctor say."""

from __future__ import annotations

__all__ = ["TOLD", "ZH"]

ZH: dict[str, str] = {}

TOLD: dict[str, str] = {
    "nothing was sent: {why}": "未发送：{why}",
    # -- the plan
    "the plan is {hash}, not {wanted} as parameter `plan_hash` demands: provider, signature, template, people or "
    "texts are not those that were looked at": (
        "现在的计划是 {hash}，不是确认过的 {wanted}：供应商、签名、模板、人员或内容有变化，请重新查看后再发送"
    ),
    "the plan is {hash}, not {wanted}": "现在的计划是 {hash}，不是 {wanted}",
    "campaign {campaign} was started with plan {hash}, not {wanted} as parameter `plan_hash` demands": (
        "活动 {campaign} 开始时的计划是 {hash}，不是参数 `plan_hash` 要求的 {wanted}"
    ),
    "campaign {campaign} ({mode}) was started with something else: {why}. Give the new campaign an id of its own, "
    "or go on with the old parameters": (
        "活动 {campaign}（{mode}）开始时的参数不同：{why}。请换一个活动编号，或改回原来的参数"
    ),
    "{code} was {then}, is {now}": "{code} 原为 {then}，现为 {now}",
    "{n} people are more than `max_recipients` ({m})": "{n} 人超过最多人数 `max_recipients`（{m}）",
    "about {cost} yuan are more than `max_cost` ({most})": "约 {cost} 元超过最多费用 `max_cost`（{most}）",
    "it is later than `not_after` ({at})": "已过最晚时间 `not_after`（{at}）",
    "`opt_out_wording` demands it, but {why}": "`opt_out_wording` 要求写明退订方式，但{why}",
    "mode `plan` sends nothing; use mode `rehearse` or `live`": "仅计划模式不发送；请改用演练 `rehearse` 或正式 `live`",
    "nobody is planned": "没有人会收到短信",
    # -- a person's word
    "{n} people would get a message; type that number to confirm": "将发送给 {n} 人；请输入这个人数确认",
    "the plan is not ready; wait until it is shown": "计划还没准备好，请等它显示出来",
    "the parameters were changed after the confirmation": "确认之后参数又被修改了",
    "nobody confirmed it": "没有人确认",
    "campaign {campaign} is being sent right now": "活动 {campaign} 正在发送",
    "campaign {campaign} is finished; give the next one an id of its own": (
        "活动 {campaign} 已完成；下一次请换一个活动编号"
    ),
    # -- hours
    "marketing may leave {why} ({zone}), and it is {now} there. Run again then, or change parameter "
    "`send_window`": "营销短信只能在 {why}（{zone}）发送，现在是 {now}。请到时段内再发送，或修改参数 `send_window`",
    "{own}, and by the provider {hours}": "{own}，且供应商只在 {hours} 接收",
    "the send window never opens: it is {why}": "发送时段永远不会开放：{why}",
    "the send window opens at {at} ({zone}), later than `not_after` ({deadline})": (
        "发送时段要到 {at}（{zone}）才开放，晚于 `not_after`（{deadline}）"
    ),
    "{provider} takes marketing only {hours}. Source: {source}. This campaign has no send window, so what is sent "
    "outside is refused there": "{provider} 只在 {hours} 接收营销短信。来源：{source}。此活动没有发送时段，时段外发送的会被其拒绝",
    "{provider} takes marketing only {hours}. Source: {source}. Of the send window {own} only what lies within is "
    "used": "{provider} 只在 {hours} 接收营销短信。来源：{source}。发送时段 {own} 只使用其中的部分",
    # -- how to opt out
    "the text says how to opt out, but {name} takes only {texts} as its last words: {why}. Source: {why2}": (
        "内容写了退订方式，但 {name} 只接受以 {texts} 结尾：{why}。来源：{why2}"
    ),
    "the text does not say how to opt out; {name} takes {texts} as its last words: {why}. Source: {why2}": (
        "内容没有写退订方式，{name} 要求以 {texts} 结尾：{why}。来源：{why2}"
    ),
    "the text does not say how to opt out, as with {texts}: {why}. Source: {why2}": (
        "内容没有写退订方式，例如 {texts}：{why}。来源：{why2}"
    ),
    "put it into the template at the provider, and into parameter `template`": (
        "请写进供应商处的模板和参数 `template`"
    ),
    "write it into the text, or set `opt_out_wording: add`": "请写进内容，或设置 `opt_out_wording: add`",
    "write it into the text": "请写进内容",
    "{provider} appends `{text}` to every marketing message; it is counted in the parts": (
        "{provider} 会在每条营销短信后追加 `{text}`，计入计费条数"
    ),
    # -- what is usual
    "it is not as usual: {why}. If that is meant, say `drift: allow`": "与往期不同：{why}。如确实如此，请设置 `drift: allow`",
    "allowed by `drift: allow`: {why}": "已由 `drift: allow` 放行：{why}",
    "the text of template {code} changed: in {campaign} it was `{then}`, now it is `{now}`": (
        "模板 {code} 的内容变了：{campaign} 中为 `{then}`，现在为 `{now}`"
    ),
    "{n} {what}, less than 1/{factor} of {usual}, the median of {m} runs": (
        "{what} {n}，不到最近 {m} 次中位数 {usual} 的 1/{factor}"
    ),
    "{n} {what}, more than {factor} times {usual}, the median of {m} runs": (
        "{what} {n}，超过最近 {m} 次中位数 {usual} 的 {factor} 倍"
    ),
    "rows of the segment": "分群行数",
    "rows that pass the rules": "通过规则的行数",
    "people to be reached": "可发送人数",
    "{share} of the rows have a good `{name}`, {usual} is the median of {n} runs": (
        "`{name}` 有值的行占 {share}，最近 {n} 次的中位数为 {usual}"
    ),
    "{share} of the rows are left out for {code}, {usual} is the median of {n} runs": (
        "因 {code} 被排除的行占 {share}，最近 {n} 次的中位数为 {usual}"
    ),
    # -- what the doctor finds in a template
    "there is no signature; give parameter `signature`": "没有签名：请填写参数 `signature`",
    "the signature 【{name}】 has {n} characters": "签名【{name}】有 {n} 个字符",
    "the signature 【{name}】 has 1 character": "签名【{name}】只有 1 个字符",
    "the signature 【{name}】 holds {texts}": "签名【{name}】含 {texts}",
    "【{name}】 stands in the text once more; take it out there": "正文中又出现【{name}】，请从正文中去掉",
    "a message has at least {n} characters, with one character for each variable": (
        "短信至少 {n} 个字符（每个变量按 1 个计）"
    ),
    "a message has at least {n} characters": "短信至少 {n} 个字符",
    "the template has {n} characters": "模板有 {n} 个字符",
    "the template has {n} variables": "模板有 {n} 个变量",
    "the template has 1 variable": "模板有 1 个变量",
    "the template has no words of its own": "模板没有自己的文字",
    "nothing is between {one} and {two}": "{one} 与 {two} 之间没有文字",
    "{place} occurs {n} times": "{place} 出现了 {n} 次",
    "the text holds the link {link}": "内容含链接 {link}",
    "the text holds {texts}": "内容含 {texts}",
    "the text ends with {ending}, not with {texts}": "内容以 {ending} 结尾，而不是 {texts}",
    "this reads like a verification code with {places}": "看起来是验证码短信，含 {places}",
    # -- the canary
    "{provider} has no receipts to fetch, so a canary cannot be looked at. Say `canary: 0`": (
        "{provider} 没有状态报告可取，无法查看先发的结果：请设置 `canary: 0`"
    ),
    "waits until {at} for receipts of the first {n} people, its canary": "先发的 {n} 人已发送，等待状态报告至 {at}",
    "while the canary of {n} people was waited for: {why}": "等待先发的 {n} 人的结果时：{why}",
    "its wait would end later than `not_after`": "等待会超过 `not_after`",
    "some of the canary were not taken for now": "先发的人中有人暂未被受理",
    "canary passed: {why}": "先发已通过：{why}",
    "the canary did not pass: {why}. A run looks at its receipts again; with `canary: 0` it goes on anyway; left as "
    "it is, nobody else is sent to": (
        "先发未通过：{why}。再次运行会重新查看状态报告；设置 `canary: 0` 则照常继续；不处理则不再发给其他人"
    ),
    "{why} (of {why2})": "{why}（{why2}）",
    "{n} people {delivered} delivered, {undelivered} undelivered, {refused} refused, {unknown} unknown, {awaiting} "
    "without a receipt, {out} opted out, {stopped} not sent to": (
        "{n} 人中已送达 {delivered}，未送达 {undelivered}，被拒 {refused}，未知 {unknown}，无状态报告 {awaiting}，"
        "退订 {out}，未发送 {stopped}"
    ),
    "{n} people {delivered} delivered, {undelivered} undelivered, {refused} refused, {unknown} unknown, {awaiting} "
    "without a receipt, {out} opted out": (
        "{n} 人中已送达 {delivered}，未送达 {undelivered}，被拒 {refused}，未知 {unknown}，无状态报告 {awaiting}，退订 {out}"
    ),
    "of {why}": "{why}",
    "{n} of {m} failed ({share}), more than `canary_max_failure` ({most})": (
        "{m} 人中 {n} 人失败（{share}），超过 `canary_max_failure`（{most}）"
    ),
    "{n} of {m} opted out ({share}), more than `canary_max_opt_out` ({most})": (
        "{m} 人中 {n} 人退订（{share}），超过 `canary_max_opt_out`（{most}）"
    ),
    "receipts are there for less than half of it ({n} of {m}), which is too few to judge": (
        "{m} 人中只有 {n} 人已有结果，不到一半，不足以判断"
    ),
}
