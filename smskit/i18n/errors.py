"""
What errors of the ledger, of tracking and of notebooks say.

An error is raised with its English words, names and values filled in; a sentence
of ``TOLD`` recognises them by its holes and says the same in Chinese. What is
not recognised keeps its English words behind a Chinese headline of its kind.
"""

from __future__ import annotations

__all__ = ["TOLD"]

TOLD: dict[str, str] = {
    "{why}; did you mean `{near}`?": "{why}，是否指 `{near}`？",
    # -- the ledger
    "the ledger cannot be opened ({kind}); look at SMSKIT_DATABASE_URL": (
        "无法打开账本（{kind}），请检查 SMSKIT_DATABASE_URL"
    ),
    "another run (process {n} on {host}) is working on this campaign; wait for it or stop it, then run again": (
        "{host} 上的进程 {n} 正在处理此活动：请等它结束或停止它，再重新运行"
    ),
    "another run has taken this campaign over; this one stops": "此活动已由另一个运行接管，本次运行停止",
    "the plan holds a phone twice; nothing was stored": "计划中有重复的手机号，未保存",
    "the plan holds a person twice; nothing was stored": "计划中有重复的人，未保存",
    "{kind}: somebody is not {state}; nothing was recorded": "{kind}：有人不在 {state} 状态，未记录",
    "{kind}: somebody is named twice; nothing was recorded": "{kind}：有人重复出现，未记录",
    "{kind} cannot lead there; nothing was recorded": "{kind}：状态不能这样变化，未记录",
    # -- looking at a campaign
    "there is no campaign to follow; send or rehearse one first": "还没有活动：请先发送或演练一次",
    "there is no campaign {campaign} in mode {mode}": "没有活动 {campaign}（{mode}）",
    "there is no campaign {campaign}": "没有活动 {campaign}",
    "campaign {campaign} ({mode}) was never started": "活动 {campaign}（{mode}）从未开始",
    "{who} is not in the segment of campaign {campaign} ({mode})": "活动 {campaign}（{mode}）的分群中没有 {who}",
    "{who} was not planned in campaign {campaign} ({mode})": "{who} 不在活动 {campaign}（{mode}）的计划中",
    "say whom: a user id or a phone": "请填写用户 ID 或手机号",
    "mode must be one of {modes}, not `{name}`": "模式须为 {modes} 之一，不能是 `{name}`",
    "there is no column `{name}`": "没有列 `{name}`",
    # -- acting on it
    "cannot fetch receipts of a plan: nothing was sent": "仅计划的活动没有发送，没有状态报告可取",
    "nothing was changed: {n} are unknown now, and you confirmed {m}": (
        "未改动：现在有 {n} 人结果未知，而确认的是 {m} 人"
    ),
    "unknown format `{name}`; there are {formats}": "不支持格式 `{name}`，可用：{formats}",
    "unknown group `{name}`; there are {groups}": "没有人群 `{name}`，可用：{groups}",
    "say whom the follow-up is for": "请选择后续活动的人群",
    "nothing was written: {groups} asked not to be messaged": "未写入：{groups} 的人已退订",
    "nothing was written: {groups} may have got the message, or may get it yet; a follow-up could reach them "
    "twice, so it needs your explicit word": "未写入：{groups} 的人可能已收到或还会收到，再发可能收到两条，需要你明确同意",
    "nobody is in what you chose, so there is nothing to follow up": "所选人群中没有人，没有后续活动可做",
    "cannot write the follow-up into {folder}: {why}": "无法把后续活动写入 {folder}：{why}",
    "cannot write to {folder}/: {why}": "无法写入 {folder}/：{why}",
    "cannot write {file}: {why}": "无法写入 {file}：{why}",
    # -- choosing and testing
    "parameter `test_phones` is empty: there is nobody to send a test to": "还没有测试号码",
    "nobody is planned, so there is nothing to test with": "没有人会收到短信，无法测试",
    "the test send is not in the ledger": "账本中没有这次测试发送",
    "{who} is not in the segment, or a rule of the campaign leaves that row out": (
        "{who} 不在分群中，或被活动规则排除"
    ),
    "give the campaign an id first": "请先填写活动编号",
    "there is no template `{name}` among those listed or typed in": "列出或录入的模板中没有 `{name}`",
    "type the signature as the console shows it, without 【】": "请按控制台所示填写签名，不带【】",
    "type the template's id, its text, or both": "请填写模板编号、内容，或两者",
    # -- what a provider cannot do
    "{who} has no check": "{who} 不支持检查",
    "{who} does not hand out template texts; give the text as parameter `template`": (
        "{who} 不提供模板内容，请填写参数 `template`"
    ),
    "{who} does not list signatures; its console does": "{who} 不支持查询签名，请到其控制台查看",
    "{who} does not list templates; its console does": "{who} 不支持查询模板，请到其控制台查看",
    "{who} has no reports to ask for one by one": "{who} 不支持逐条查询状态报告",
    "{who} cannot be asked about single messages": "{who} 不支持查询单条短信",
    "the simulator does not speak {who}; use mode `plan`, then `live`": (
        "模拟器不支持 {who}：请先用 `plan` 模式，再用 `live`"
    ),
    "the simulator does not speak {who}": "模拟器不支持 {who}",
    "unknown provider `{name}` (known: {names})": "没有供应商 `{name}`（已有：{names}）",
    "unknown provider `{name}`; did you mean `{near}`? (known: {names})": (
        "没有供应商 `{name}`，是否指 `{near}`？（已有：{names}）"
    ),
    "the plug-in registered as provider `{name}` is not a smskit Provider class": (
        "以供应商 `{name}` 注册的插件不是 smskit 的 Provider 类"
    ),
    "provider `{name}` has no setting `{field}`": "供应商 `{name}` 没有设置项 `{field}`",
    # -- notebooks that programs run
    "the notebook failed: {kind}: {why}; look at {file}": "笔记本出错：{kind}：{why}。请查看 {file}",
    "the notebook's kernel died; look at {file}": "笔记本内核意外退出，请查看 {file}",
    "the notebook could not be run: {kind}: {why}": "笔记本无法运行：{kind}：{why}",
    "the notebook ended without a run": "笔记本结束了，但没有运行记录",
    "the notebooks are not here; run this in a checkout of smskit": "这里没有笔记本：请在 smskit 的代码目录中运行",
    "{what} is not usable: {why}": "{what} 不可用：{why}",
}
