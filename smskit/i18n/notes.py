"""What a run writes down: why it stopped, what it waits for, what fetching and settling met."""

from __future__ import annotations

__all__ = ["TOLD", "ZH"]

ZH: dict[str, str] = {}

TOLD: dict[str, str] = {
    # -- why a run stopped
    "campaign {campaign} ({mode}) stopped with {n} people still waiting: {why}. Run it again, or `smskit resume "
    "{again}`, to go on": "活动 {campaign}（{mode}）已停止，还有 {n} 人待发：{why}。再次运行或用 `smskit resume {again}` 可继续发送",
    "campaign {campaign} is not complete: {n} people are still waiting": "活动 {campaign} 未完成：还有 {n} 人待发",
    "a stop was requested": "有人要求停止",
    "stopped by hand": "已手动停止",
    "told to end ({name})": "进程被要求结束（{name}）",
    "stopped at once; requests on the way became unknown": "已立即停止；在途的请求记为未知",
    "stopped while waiting": "等待应答时停止",
    "some were not taken for now": "有人暂未被受理",
    "the send window ({why}) is closed": "不在发送时段（{why}）内",
    "the send window ({why}) never opens": "发送时段（{why}）永远不会开放",
    "the send window opens at {at}, later than `not_after`": "发送时段要到 {at} 才开放，晚于 `not_after`",
    "waits for the send window, which opens at {at}": "等待发送时段，{at} 开放",
    "{n} requests in a row did not get through. Last: {why}": "连续 {n} 次请求未成功。最后一次：{why}",
    "{n} requests in a row had no clear answer. Last: {why}": "连续 {n} 次请求没有明确应答。最后一次：{why}",
    "{n} messages in a row were refused for what they say. Last: {why}": "连续 {n} 条因内容被拒。最后一条：{why}",
    "{provider}: {kind} while sending; please report this": "{provider}：发送时出现意外（{kind}），请反馈",
    "the provider answered for other people than it was asked about": "供应商的应答与所提交的人不符",
    # -- what a campaign came to
    "finished before; nothing was sent again": "之前已完成，没有重复发送",
    "{n} outcomes are unknown; `smskit receipts {campaign}` settles them": (
        "{n} 条结果未知；用 `smskit receipts {campaign}` 核实"
    ),
    "people who stayed unknown are to be sent again": "仍未知的人将重新发送",
    "some were never taken by the provider and wait to be sent": "有人从未被供应商受理，等待发送",
    # -- an error in their place, by its kind
    "SettingsError: {why}": "设置不完整：{why}",
    "LedgerError: {why}": "账本出错：{why}",
    "LedgerLocked: {why}": "{why}",
    # -- records of runs
    "its process ended without a word": "进程已退出，没有留下说明",
    "a later cell failed": "发送之后的单元格出错",
    "{kind} in smskit/{file}, line {n}": "意料之外的错误 {kind}（smskit/{file}，第 {n} 行）",
    # -- receipts and replies
    "page {n} of reports cannot be read ({kind})": "第 {n} 页状态报告无法识别（{kind}）",
    "page {n} of replies cannot be read ({kind})": "第 {n} 页上行无法识别（{kind}）",
    "a reply from a number that is not a domestic mobile was left out": "略过一条来自非国内手机号的上行",
}
