"""
What providers' declarations and checks say to people: next steps, findings, what to obtain, settings.

A provider's own words (``meaning``) are Chinese already and stay what they are.
"""

ZH: dict[str, str] = {
    # -- findings of a check
    "credential": "凭证",
    "balance": "余额",
    "signature": "签名",
    "template": "模板",
    "variables": "变量",
    "given; the configuration has no `check` to try": "已填写；配置文件没有 `check`，无法试调",
    "no answer in time": "未在限时内应答",
    "connection broke before the answer": "应答前连接中断",
    "the AccessKey secret is wrong": "AccessKey Secret 错误",
    "the answer holds no balance": "应答中没有余额",
    # -- next steps, any provider
    "This code is not documented; ask the provider what it means.": "文档中没有此状态码，请向供应商询问含义。",
    "Top up the account, then run again.": "请充值后重新运行。",
    # -- Yunpian
    "Yunpian wants the signature in the text: give parameter `signature`.": "云片要求短信带签名：请填写参数 `signature`。",
    "Look at SMSKIT_YUNPIAN_BASE_URL and the network.": "检查 SMSKIT_YUNPIAN_BASE_URL 和网络。",
    # -- Aliyun
    "Aliyun needs an approved signature: give parameter `signature`.": "阿里云需要已审核的签名：请填写参数 `signature`。",
    "Aliyun needs the id of an approved template (SMS_…): give parameter `template_id`.": (
        "阿里云需要已审核模板的编号（SMS_…）：请填写参数 `template_id`。"
    ),
    "Look at SMSKIT_ALIYUN_BASE_URL and the network.": "检查 SMSKIT_ALIYUN_BASE_URL 和网络。",
    # -- Chuanglan
    "Look at SMSKIT_CHUANGLAN_BASE_URL (the console names it) and the network.": (
        "检查 SMSKIT_CHUANGLAN_BASE_URL（以控制台所示为准）和网络。"
    ),
    "The password travels in clear: use https.": "密码会明文传输：请使用 https。",
    "Give parameter `signature`.": "请填写参数 `signature`。",
    "Give parameter `template_id`.": "请填写参数 `template_id`。",
    "family v2 sends by template id: give parameter `template_id`": "v2 接口按模板ID发送：请填写参数 `template_id`",
    "Chuanglan now takes only 拒收请回复R as the last words of a marketing message.": (
        "创蓝现在要求营销短信以“拒收请回复R”结尾。"
    ),
    # -- Tencent
    "Without packages only an account that is billed afterwards (后付费) can send.": "没有套餐包时，只有后付费账号可以发送。",
    "Mainland messages need one: give parameter `signature`.": "国内短信必须有签名：请填写参数 `signature`。",
    "Tencent sends by template id only: give parameter `template_id`.": "腾讯云只按模板ID发送：请填写参数 `template_id`。",
    "Look in the console, or ask with a key of a company's main account.": "请到控制台查看，或使用企业主账号的密钥查询。",
    "Look at SMSKIT_TENCENT_BASE_URL and the network.": "检查 SMSKIT_TENCENT_BASE_URL 和网络。",
    "Tencent takes 6 or 12 characters in each by default; the console shows your figure "
    "(正文模板管理 → 创建). Set SMSKIT_TENCENT_PARAMETER_LENGTH to see in the plan who has more.": (
        "腾讯云默认每个变量6或12个字符，以控制台所示为准（正文模板管理 → 创建）。"
        "设置 SMSKIT_TENCENT_PARAMETER_LENGTH 后，计划会列出超长的人。"
    ),
    # -- an SSP of one's own
    "Look at `check.answer.balance`.": "检查配置中的 `check.answer.balance`。",
    "the request wants {template_id}": "请求需要 {template_id}",
    "the request wants {signature}": "请求需要 {signature}",
    # -- settings
    "Where requests go.": "请求地址。",
    "Longest wait for an answer, seconds.": "等待应答的最长时间（秒）。",
    "Longest wait for a connection, seconds.": "等待连接的最长时间（秒）。",
    "Most requests a second; 0 = unpaced.": "每秒最多请求数；0 表示不限速。",
    "Requests on the way at the same time.": "同时在途的请求数。",
    "Most people in one request.": "每个请求最多人数。",
    "A key of the account.": "账号密钥。",
    "1000 is the documented most, 200 what the documents recommend.": "文档上限为1000，推荐200。",
    "multi_send (different texts in one request) is missing from newer documents. "
    "Off: one request a person. On: used, and left as soon as Yunpian says it may not be.": (
        "新文档已不含 multi_send（一次请求发不同内容）。false：每人一个请求；true：使用它，云片一旦拒绝即停用。"
    ),
    "One page says 500 characters, the support desk 400.": "文档写500个字符，客服称400。",
    "How soon a send shows in get_record is not documented.": "发送后多久能在 get_record 查到，文档未说明（秒）。",
    "People in one SendSms; a SendBatchSms never has more than 100 of them.": (
        "一次 SendSms 的人数；SendBatchSms 不超过100人。"
    ),
    "With temporary (STS) credentials only.": "仅用于临时凭证（STS）。",
    '"acs3" is what Aliyun\'s own SDKs send today, "rpc" what they sent before; the service takes both.': (
        "acs3 为阿里云现行 SDK 的签名方式，rpc 为旧方式；两者均可用。"
    ),
    "Extension digits replies come back on; one code must not serve two signatures.": (
        "上行扩展码；同一扩展码不能用于两个签名。"
    ),
    "How soon a send shows in QuerySendDetails is not documented; receipts are there within 30 seconds.": (
        "发送后多久能在 QuerySendDetails 查到，文档未说明；状态报告在30秒内可查（秒）。"
    ),
    "The console names the host to use; this is the one most accounts are given.": (
        "以控制台所示地址为准；默认为多数账号使用的地址。"
    ),
    "A call without an answer cannot be asked about later, so waiting is cheap.": (
        "未应答的请求事后无法查询，因此宁可多等（秒）。"
    ),
    "The rate of an account is in its contract and not published.": "账号的频率上限见合同，未公开。",
    'Where v2 sends go; "" is the vendor\'s own host, or base_url where that is this machine.': (
        "v2 接口的地址；留空为官方地址（base_url 为本机时用 base_url）。"
    ),
    "v1: the whole text. v2: an approved template's id and its values.": "v1：发送全文；v2：发送已审核模板的ID和变量值。",
    "How a v2 send proves who it is: the password itself, or a digest made with it.": (
        "v2 的鉴权方式：密码本身，或用密码计算的摘要（hmac）。"
    ),
    "Send , and ; inside a value as ，and ；instead of leaving the person out. v1 only.": (
        "变量值中的 , 和 ; 改为 ，和 ；发送，而不是排除此人。仅 v1。"
    ),
    "v1 url-decodes `msg`: the vendor's PHP, Go and Python demos encode it, its Java demo does not.": (
        "v1 会对 `msg` 做 URL 解码：官方 PHP、Go、Python 示例会编码，Java 示例不会。"
    ),
    "Whether the call for different values decodes too is not settled. Unset: whoever's message a "
    "decoding could change (% or +) is sent alone, as whole text. Set once the vendor has told.": (
        "变量接口是否也解码尚无定论。不设置：内容含 % 或 + 的人单独发送全文。向供应商确认后再设置。"
    ),
    "Signature included; 8 billed parts of 67.": "含签名；即8条计费短信，每条67字。",
    'SmsSdkAppId, "1400006666"': "短信应用的 SDKAppID，如 1400006666",
    "with temporary keys only": "仅用于临时密钥",
    "Tencent allows an account 3000 calls a second; a third leaves room for its other users.": (
        "腾讯云允许每账号每秒3000次；默认取三分之一，为其他使用者留余量。"
    ),
    "The longest value of one variable. Tencent's pages say 6 (accounts since 2024-01-25), or 12, or \"as the "
    'console shows"; a wrong guess would leave people out who could be written to. So nothing is assumed, '
    "the check says so, and Tencent refuses the longer ones without sending them.": (
        "单个变量的最大长度。腾讯云文档写6（2024-01-25之后的账号）、12或“以控制台为准”；"
        "猜错会误排除可发送的人，因此默认不设，检查时会提示，超长的由腾讯云拒绝，不会发出。"
    ),
    "What became of a message can be asked for once its carrier has answered; how soon that is, nobody says.": (
        "运营商应答后才能查询发送结果，所需时间未公开（秒）。"
    ),
    "Billed after the month: an empty package is no obstacle then.": "后付费：套餐包为空也可发送。",
    "A path, or the configuration itself. A subclass may have its own as default.": "配置文件的路径，或配置内容本身。",
    "Only to send fewer at a time than the configuration allows.": "仅用于让每次发送的人数少于配置所允许的。",
    # -- where rules stand
    "《通信短信息服务管理规定》, in force since 2015-06-30: commercial messages say how to refuse them, in "
    "whatever words (Xinhua, 2015-05-29)": (
        "《通信短信息服务管理规定》，2015-06-30 起施行：商业短信须说明拒收方式，写法不限（新华社，2015-05-29）"
    ),
    # -- values that cannot be sent
    "it holds 【 or 】, and a second pair of brackets is refused (code 16)": "含【或】：第二对括号会被拒（状态码16）",
    "it holds a link or is longer than the console allows, which Tencent refuses": (
        "含链接，或超过控制台允许的长度，会被腾讯云拒绝"
    ),
}

TOLD: dict[str, str] = {
    # -- an answer that was no success, in the provider's words
    "{provider}: {code} “{said}”. {why}": "{provider}：状态码 {code} “{said}”。{why}",
    "{provider}: {code} “{said}”": "{provider}：状态码 {code} “{said}”",
    "{provider}: {code}. {why}": "{provider}：状态码 {code}。{why}",
    "{provider}: {why}": "{provider}：{why}",
    "{why} (code {code})": "{why}（状态码 {code}）",
    "{provider} is not usable as set up: {why}": "{provider} 按当前设置不可用：{why}",
    "credential: {why}": "凭证：{why}",
    "balance: {why}": "余额：{why}",
    "signature: {why}": "签名：{why}",
    "template: {why}": "模板：{why}",
    "variables: {why}": "变量：{why}",
    # -- no answer, or none that can be read
    "{provider}: no connection to {host} ({kind}); nothing was sent": "{provider}：无法连接 {host}（{kind}），未发送任何内容",
    "{provider}: no answer within {s} s; the request may have arrived": "{provider}：{s} 秒内未应答，请求可能已到达",
    "{provider}: the connection broke before the answer ({kind})": "{provider}：应答前连接中断（{kind}）",
    "HTTP {n} without JSON": "HTTP {n}，应答不是供应商的格式",
    "HTTP {n} without readable JSON": "HTTP {n}，应答不是供应商的格式",
    "HTTP {n} without an answer of Tencent's form": "HTTP {n}，应答不是供应商的格式",
    "HTTP {n} without a code at `{name}`": "HTTP {n}，应答中 `{name}` 处没有状态码",
    "HTTP {n} without a code": "HTTP {n}，应答中没有状态码",
    "HTTP {n} with an incomplete answer": "HTTP {n}，应答不完整",
    "HTTP {n} with an unusual answer": "HTTP {n}，应答无法识别",
    "HTTP {n} with no JSON object": "HTTP {n}，应答不是供应商的格式",
    "HTTP {n} with code {code}": "HTTP {n}，状态码 {code}，互相矛盾",
    "HTTP {n} with the code {code}, which contradict each other": "HTTP {n} 与状态码 {code} 互相矛盾",
    "HTTP {n} with no page of {name}": "HTTP {n}，没有 {name} 的数据",
    "HTTP {n}, which may have come after the request was taken": "HTTP {n}，请求可能已被受理",
    "HTTP {n}, which the configuration does not list": "HTTP {n}，配置中没有列出",
    "an answer of an unknown shape": "应答无法识别",
    "an incomplete answer": "应答不完整",
    "an answer without msgId": "应答中没有 msgId",
    "an answer without SendStatusSet": "应答中没有 SendStatusSet",
    "a balance answer without a balance": "应答中没有余额",
    "a page that is no list": "应答不是列表",
    "get_record answered no list of records": "get_record 的应答不是列表",
    "no list at `{name}`": "`{name}` 处不是列表",
    "{n} rows about {m} numbers": "{m} 个号码，应答却有 {n} 行",
    "{n} records, a full page; look for the number in the console": "有 {n} 条记录，可能不全：请到控制台查该号码",
    "a record without id, number or text": "记录中没有编号、号码或内容",
    "the answer does not mention this number": "应答中没有这个号码",
    "the answer says two things about this number": "应答对这个号码的说法前后不一",
    "the answer holds no message id": "应答中没有消息编号",
    "failNum {failed}, successNum {taken} of {n}: only reports tell who": (
        "{n} 人中 failNum {failed}、successNum {taken}，须看状态报告才知道是谁"
    ),
    # -- what we refuse in the provider's place
    "{provider}: parameter {field} is empty; {why}": "{provider}：缺少参数 {field}",
    "{provider}: SignatureDoesNotMatch, and Aliyun signed the very same text: SMSKIT_ALIYUN_ACCESS_KEY_SECRET is not "
    "the secret of this AccessKeyId": "{provider}：SMSKIT_ALIYUN_ACCESS_KEY_SECRET 与此 AccessKeyId 不符",
    "{provider}: template {code} has no text": "{provider}：模板 {code} 没有内容",
    "{provider}: there is no template {code}": "{provider}：没有模板 {code}",
    "{provider}: one call carries one set of values": "{provider}：一次请求只能带一组变量值",
    "{provider}: {path}: {said}. Ask Chuanglan to set the account to pull (拉取) mode.": (
        "{provider}：{path}：{said}。请联系创蓝把账号设为“拉取”方式。"
    ),
    "{provider}: {path}. Ask Chuanglan to set the account to pull (拉取) mode.": (
        "{provider}：{path}。请联系创蓝把账号设为“拉取”方式。"
    ),
    "{provider}: `submit` wants {place}, and the template has no such variable": (
        "{provider}：`submit` 需要 {place}，而模板中没有这个变量"
    ),
    "{provider}: `{name}`: {why}; nothing was sent": "{provider}：`{name}`：{why}，未发送任何内容",
    "{place} would be filled with something that is no whole number": "{place} 要填的不是整数",
    # -- what a check finds
    "not asked: {why}": "未能查询：{why}",
    "parameter {code} is missing": "缺少参数 {code}",
    "【{name}】 is not there": "【{name}】不存在",
    "template {code} is not there": "模板 {code} 不存在",
    "template {code}: {state}": "模板 {code}：{state}",
    "the approved text is another one": "模板内容不一致",
    "the approved text cannot be read": "模板内容无法识别",
    "signatures cannot be asked about; judged when sending": "没有查询签名的接口，提交时才判断",
    "templates cannot be asked about; judged when sending": "没有查询模板的接口，提交时才判断",
    "no signature: the template has to bring one; judged when sending": "未带签名：模板须已绑定签名，提交时才判断",
    "no package": "没有套餐包",
    "{n} variables of at most {m} characters": "{n} 个变量，每个最长 {m} 字",
    "{n} variables; how long they may be, the console says": "{n} 个变量，最大长度以控制台为准",
    "Wait for the review in the console.": "请等待控制台审核。",
    "Wait for the review, or look in the console.": "请等待审核，或到控制台查看。",
    "Wait for the review in the console. {said}": "请等待控制台审核。{said}",
    "Wait for the review, or look in the console. {said}": "请等待审核，或到控制台查看。{said}",
    "{title} has: {text}. Use this text, or leave `template` empty to take it over.": (
        "供应商（{title}）处的内容为：{text}。请使用此内容，或将 `template` 留空以采用它。"
    ),
    "Carriers without filing may block messages: {names}.": "以下运营商未完成报备，短信可能被拦截：{names}。",
    "Pay in the Tencent console (套餐包, 费用中心), then run again. If it is billed afterwards, set "
    "SMSKIT_TENCENT_POSTPAID=1.": (
        "在腾讯云控制台充值（套餐包、费用中心）后重新运行。若为后付费，请设置 SMSKIT_TENCENT_POSTPAID=1。"
    ),
    "Set this machine's clock; it must not differ by more than 5 minutes. By Tencent's clock it is {s}.": (
        "校准本机时钟，误差不能超过5分钟。与腾讯云相差 {s}。"
    ),
    "the request wants {place}": "请求需要 {place}",
    "Use `{name}` in the template; did you mean `{near}`?.": "请在模板中使用变量 `{name}`，是否指 `{near}`？",
    "Use `{name}` in the template.": "请在模板中使用变量 `{name}`。",
    "Look at the credentials and at {code}.": "检查凭证和 {code}。",
    "This code is not documented; ask {who} what it means.": "文档中没有此状态码，请向供应商询问含义。",
    # -- values that cannot be sent
    "it has more than {n} characters, or holds 【】, an emoji, a link or a symbol such as ★, which Aliyun refuses": (
        "超过{n}个字符，或含【】、表情、链接、★等符号，会被阿里云拒绝"
    ),
    "it holds one of 【 】 , ; or {{$, which Chuanglan would take for something else ({code}=true sends , ; as ， ；)": (
        "含【】、英文逗号、分号或变量开头符号，创蓝会另作解释（{code}=true 时逗号、分号改发全角）"
    ),
    "it holds one of 【 】 , ; or {{$, which Chuanglan would take for something else": (
        "含【】、英文逗号、分号或变量开头符号，创蓝会另作解释"
    ),
    "it holds 【 or 】, by which the signature is found": "含【或】：签名以此识别",
}
