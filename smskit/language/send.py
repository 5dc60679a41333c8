"""What the send notebook and its panel say."""

ZH: dict[str, str] = {
    "parameter": "参数",
    "value": "值",
    "Started before: plan {hash}, state {state}. This run goes on with it.": "已开始：计划 {hash}，状态 {state}。本次运行接着它继续。",
    "Notice": "提示",
    "A run would be refused": "运行会被拒绝",
    "{provider} would not pass": "{provider} 不会通过",
    "Mode plan: the provider is not asked.": "仅计划模式：不询问供应商。",
    "Usable": "可用",
    "NOT usable": "不可用",
    "Mode plan: nothing is sent.": "仅计划模式：不发送。",
    "No test send.": "未测试发送。",
    "Nothing was sent, so there are no receipts.": "未发送，没有状态报告。",
    "Nothing was sent.": "未发送。",
    "check": "检查",
    "ok": "通过",
    "code": "状态码",
    "meaning": "含义",
    "next step": "下一步",
    "Not sent. Send from the panel, or with {call}": "未发送。请在面板中发送，或运行 {call}",
    "{n:,} people, {parts:,} parts, about {cost} yuan. Plan hash: {hash}": "{n:,} 人，{parts:,} 条计费，约 {cost} 元。计划指纹：{hash}",
}
