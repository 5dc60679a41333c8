"""What the pages about providers say."""

ZH: dict[str, str] = {
    "Parameter `provider: {name}`.": "参数 `provider: {name}`。",
    "Console": "控制台",
    "What to obtain 需要准备": "需要准备",
    "Where to enter it 填写位置": "填写位置",
    "Settings 设置": "设置",
    "How many at once 限额": "限额",
    "What it can do 能力": "能力",
    "Templates 模板": "模板",
    "Codes 状态码": "状态码",
    "Codes in receipts 状态报告": "状态报告中的状态码",
    "In JupyterLab open `notebooks/01_connect_provider.ipynb`, choose this provider, type what you obtained "
    "into the form, and click *Save*, then *Check*. The keys go into the keyring of your computer or into the "
    "file `.env` of the project, whichever you choose, and nowhere else.": (
        "在 JupyterLab 中打开 `notebooks/01_connect_provider.ipynb`，选择此供应商，把取得的内容填入表单，"
        "点击“保存”，再点击“检查”。密钥按你的选择存入系统钥匙串或项目的 `.env` 文件，不会存到别处。"
    ),
    "Notebook 01 writes these. They are read from the environment, from a `.env` file beside the notebook, and "
    "credentials also from the OS keyring (service `smskit`). Never from parameters.": (
        "由笔记本 01 写入；从环境变量、笔记本旁的 `.env` 文件读取，凭证也可来自系统钥匙串（服务名 `smskit`）。不能作为参数。"
    ),
    "variable": "变量",
    "default": "默认值",
    "needed": "必填",
    "not set": "未设置",
    " of {choices}": "，可选 {choices}",
    " ({least} to {most})": "（{least} 至 {most}）",
    "The configuration file says: `batching` and `limits`, see {link}.": (
        "由配置文件的 `batching` 和 `limits` 决定，见 {link}。"
    ),
    "people in one request who all get the same values": "一次请求的人数（所有人变量值相同）",
    "people in one request with values of their own": "一次请求的人数（每人变量值不同）",
    "longest message, signature included": "短信最大长度（含签名）",
    "longest value of a variable": "变量值最大长度",
    "{n} characters": "{n} 个字符",
    "not stated": "未说明",
    "what matches `{pattern}`": "匹配 `{pattern}` 的内容",
    "a value that cannot be sent": "不能发送的变量值",
    "what": "项目",
    "most": "上限",
    "Whoever's message or value does not fit is left out of the plan, with the reason. Billed parts 计费条: up to 70 "
    "characters are one, longer messages one for every 67.": (
        "短信或变量值不符合的人会从计划中排除并注明原因。计费条数：70字以内计1条，超过则每67字计1条。"
    ),
    "receipts 状态报告": "状态报告",
    "replies 上行": "上行",
    "records 发送记录": "发送记录",
    "balance 余额": "余额",
    "templates 模板": "模板",
    "signatures 签名": "签名",
    "`smskit receipts` learns who got the message, and why others did not": (
        "`smskit receipts` 获知谁已收到、其他人为何未收到"
    ),
    "`smskit receipts` fetches what people answer; who answers 退订 is not messaged again": (
        "`smskit receipts` 拉取用户回复；回复退订的人不再发送"
    ),
    "what became of a message without an answer can be asked; that settles unknowns": (
        "未得到应答的短信可以查询结果，用于核实“未知”"
    ),
    "`smskit check` shows what is left": "`smskit check` 显示余额",
    "`smskit check` compares the approved text; a campaign may leave `template` empty": (
        "`smskit check` 核对已审核的内容；活动的 `template` 可留空"
    ),
    "`smskit check` sees whether the signature is approved": "`smskit check` 查看签名是否已通过审核",
    "yes": "有",
    "no": "无",
    "yes, asked for one message after the other": "有，逐条查询",
    "accepted ones only: what is not found stays unknown, for a person to decide": (
        "仅限已受理的：查不到的仍为未知，由人决定"
    ),
    "where the configuration file describes it": "取决于配置文件",
    "there": "是否支持",
    "what for": "用途",
    "`{ours}` is written `{theirs}` there; smskit understands both.": (
        "`{ours}` 在该平台写作 `{theirs}`；smskit 两种都能识别。"
    ),
    "Variables are written as in `{ours}`.": "变量写法同 `{ours}`。",
    "It declares no rules.": "没有声明规则。",
    "all": "全部",
    "marketing": "营销",
    "notification": "通知",
    "may pass": "可能通过",
    "`smskit doctor campaign.yaml` tells which of these rules a template breaks.": (
        "`smskit doctor campaign.yaml` 指出模板违反了哪些规则。"
    ),
    "rule": "规则",
    "which messages": "适用短信",
    "when broken": "违反时",
    "source": "来源",
    " or ": " 或 ",
    "taken: {texts} as the last words": "接受以 {texts} 结尾",
    "taken: any usual wording": "接受任何通行写法",
    "part of the text (of the approved template where a template id is given); "
    "`opt_out_wording: add` appends `{wording}`": (
        "写在短信内容中（使用模板编号时写在已审核模板中）；`opt_out_wording: add` 会追加 `{wording}`"
    ),
    "part of the approved template; smskit cannot add it": "写在已审核模板中，smskit 无法追加",
    "the provider appends it itself, and its length is counted": "由供应商自动追加，计入长度",
    "Hours of marketing messages: none stated.": "营销短信发送时段：未见说明。",
    "Hours of marketing messages: {hours}, kept to within a campaign's own `send_window`. "
    "Source, read on {day}: {source}.": (
        "营销短信发送时段：{hours}，与活动自己的 `send_window` 取交集。来源（{day} 查阅）：{source}。"
    ),
    "It takes at most {cap} to one phone, counted by {counts}; it refuses what exceeds that. "
    "Source, read on {day}: {source}.": (
        "同一号码最多 {cap}，按 {counts} 计；超出由供应商拒绝。来源（{day} 查阅）：{source}。"
    ),
    "Opt-out wording 退订方式 of marketing messages: {place}; {taken}. Source, read on {day}: {source}.": (
        "营销短信的退订方式：{place}；{taken}。来源（{day} 查阅）：{source}。"
    ),
    "The configuration file says: `codes` and `statuses`. A code that is not in it is unknown.": (
        "由配置文件的 `codes` 和 `statuses` 决定。不在其中的状态码按未知处理。"
    ),
    "A code that is not here is unknown: nobody is sent the message again by itself.": (
        "不在表中的状态码按未知处理：不会自动重发给任何人。"
    ),
    "what smskit does": "smskit 的处理",
    "Others are the carriers' own.": "其余为运营商自己的状态码。",
    "counts the person as accepted": "计为已受理",
    "refuses this person, goes on with the others": "此人记为被拒，继续发送其他人",
    "refuses the message; pauses after {n} in a row": "此条记为被拒；连续 {n} 条后暂停",
    "refuses this person: the limit lasts {time}, too long to wait": "此人记为被拒：限制持续 {time}，等待过久",
    "tries this person again after {time}": "{time}后重试此人",
    "nobody was messaged: slows down and tries again": "未发给任何人：降速后重试",
    "pauses the campaign; who is left keeps waiting": "活动暂停，其余的人继续待发",
    "unknown: does not send again; `smskit receipts` settles it": "记为未知：不重发，由 `smskit receipts` 核实",
    "{n} h": "{n} 小时",
    "{n} min": "{n} 分钟",
    "{n} s": "{n} 秒",
}
