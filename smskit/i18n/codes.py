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
    "A mistake in the request; please report it to the maintainers of smskit.": "请求有误，请反馈给 smskit 维护者。",
    "This code is not documented; ask the provider what it means.": "文档中没有此状态码，请向供应商询问含义。",
    "Take the blocked word out of the template or the value.": "从模板或变量值中删去被屏蔽的词。",
    "Use a signature that is approved for this account.": "请使用本账号已审核通过的签名。",
    "Shorten the text.": "缩短短信内容。",
    "Top up the account, then run again.": "请充值后重新运行。",
    # -- Yunpian
    "Look at the number, and that the text starts with 【签名】.": "检查号码，并确认短信以【签名】开头。",
    "Top up the account in the Yunpian console, then run again.": "在云片控制台充值后重新运行。",
    "The text must match an approved template word for word.": "短信内容须与已审核通过的模板逐字一致。",
    "The template is in review or was rejected; look in the console.": "模板审核中或未通过，请到控制台查看。",
    "This person is on Yunpian's do-not-disturb list.": "此人在云片的防骚扰名单中。",
    "Carriers hold marketing messages now; run again hours later.": "运营商暂停营销短信，请数小时后重新运行。",
    "Only one 【】 may be in the text, at its front.": "短信中只能有一个【】，且须在最前。",
    "Look at the signature in the console.": "到控制台查看签名。",
    "Ask Yunpian to switch on billing by money.": "请联系云片开通金额计费。",
    "Switch on the IP allow-list in the console (系统设置).": "在控制台“系统设置”中开启IP白名单。",
    "Ask Yunpian; this service is not offered any more.": "此服务已下线，请联系云片。",
    "A value does not fit its variable's kind.": "变量值与变量类型不符。",
    "Submit the template again in the console.": "在控制台重新提交模板。",
    "Look at SMSKIT_YUNPIAN_API_KEY (console: 账户设置).": "检查 SMSKIT_YUNPIAN_API_KEY（控制台：账户设置）。",
    "Ask Yunpian to open this API for the account.": "请联系云片为本账号开通此接口。",
    "Add this machine's address in 系统设置 → IP白名单设置.": "把本机公网地址加入“系统设置 → IP白名单设置”。",
    "Batch sending is not open for this account.": "本账号未开通批量发送。",
    "Switch the function on in the Yunpian console.": "在云片控制台开启此功能。",
    "Have a signature approved in the console first.": "请先在控制台申请签名并通过审核。",
    "Complete the company's papers in the console.": "在控制台补全企业资质。",
    "Yunpian wants the signature in the text: give parameter `signature`.": "云片要求短信带签名：请填写参数 `signature`。",
    "Look at SMSKIT_YUNPIAN_BASE_URL and the network.": "检查 SMSKIT_YUNPIAN_BASE_URL 和网络。",
    # -- Aliyun
    "Look at SMSKIT_ALIYUN_ACCESS_KEY_ID and _ACCESS_KEY_SECRET (console: RAM → AccessKey).": (
        "检查 SMSKIT_ALIYUN_ACCESS_KEY_ID 和 _ACCESS_KEY_SECRET（控制台：RAM 访问控制 → AccessKey）。"
    ),
    "Enable the key in the console.": "在控制台启用该 AccessKey。",
    "Set this machine's clock, then run again.": "校准本机时钟后重新运行。",
    "Look for a proxy that repeats requests.": "检查是否有代理重复发送请求。",
    "Look at SMSKIT_ALIYUN_BASE_URL; it must be an SMS host of Aliyun.": (
        "检查 SMSKIT_ALIYUN_BASE_URL，须为阿里云短信服务地址。"
    ),
    "Grant the RAM user AliyunDysmsFullAccess, or the named dysms: action.": (
        "为 RAM 用户授权 AliyunDysmsFullAccess，或所提示的 dysms: 操作。"
    ),
    "Ask Aliyun why the account is blocked.": "请联系阿里云了解账号被冻结的原因。",
    "Get new temporary credentials and put them into the environment.": "请重新获取临时凭证（STS）并填入。",
    "Look at the account's bills in the console.": "到控制台查看账单。",
    "Ask Aliyun to unlock sending; it was locked after long disuse.": "长期未使用已被锁定，请联系阿里云解锁。",
    "Top up the account in the Aliyun console, then run again.": "在阿里云控制台充值后重新运行。",
    "Activate SMS in the console.": "在控制台开通短信服务。",
    "Send from an address in mainland China.": "请从中国内地的地址发送。",
    "Raise the limit in the SMS console (通用设置 → 发送频率), or run again when it is over.": (
        "在短信控制台提高限额（通用设置 → 发送频率），或等限制结束后重新运行。"
    ),
    "The account's extension codes are used up; ask Aliyun.": "本账号扩展码已用完，请联系阿里云。",
    "Wait until the carriers have registered the signature (实名制报备).": "等待运营商完成签名实名制报备。",
    "Set SMSKIT_ALIYUN_BATCH_SIZE lower.": "调低 SMSKIT_ALIYUN_BATCH_SIZE。",
    "Use another SMSKIT_ALIYUN_EXTEND_CODE; one may not serve two signatures.": (
        "换一个 SMSKIT_ALIYUN_EXTEND_CODE；同一扩展码不能用于两个签名。"
    ),
    "Shorten SMSKIT_ALIYUN_EXTEND_CODE.": "缩短 SMSKIT_ALIYUN_EXTEND_CODE。",
    "Bind every variable of the template.": "为模板的每个变量绑定取值。",
    "Use a signature that is approved for this account, spelt exactly as there.": (
        "请使用本账号已审核通过的签名，写法须完全一致。"
    ),
    "A signature for verification codes needs a template for verification codes.": "验证码签名只能搭配验证码模板。",
    "Use a template that is approved for this account, and bind exactly its variables.": (
        "请使用本账号已审核通过的模板，并恰好绑定其变量。"
    ),
    "Change the template or the value.": "修改模板或变量值。",
    "No traditional Chinese, emoji, 【】 or rare symbols in a value.": "变量值不能含繁体字、表情符号、【】或特殊符号。",
    "A promotion needs a template for promotions (推广短信).": "推广内容须使用推广短信模板。",
    "The value does not fit the kind the template declares for its variable.": "变量值与模板声明的变量类型不符。",
    "Values have 1 to 35 characters, in verification codes 4 to 6.": "变量值为1~35个字符，验证码为4~6位。",
    "Put the link into the template.": "把链接写进模板。",
    "Test signature and test template only go together, to numbers bound in the console.": (
        "测试签名与测试模板须一起使用，且只能发往控制台绑定的号码。"
    ),
    "Put this person on the opt-out list.": "把此人加入退订名单。",
    "Aliyun needs an approved signature: give parameter `signature`.": "阿里云需要已审核的签名：请填写参数 `signature`。",
    "Aliyun needs the id of an approved template (SMS_…): give parameter `template_id`.": (
        "阿里云需要已审核模板的编号（SMS_…）：请填写参数 `template_id`。"
    ),
    "Look at SMSKIT_ALIYUN_BASE_URL and the network.": "检查 SMSKIT_ALIYUN_BASE_URL 和网络。",
    # -- Chuanglan
    "Look at SMSKIT_CHUANGLAN_ACCOUNT and _PASSWORD: the API account, not the console login.": (
        "检查 SMSKIT_CHUANGLAN_ACCOUNT 和 _PASSWORD：须为API账号，不是控制台登录账号。"
    ),
    "Lower SMSKIT_CHUANGLAN_REQUESTS_PER_SECOND.": "调低 SMSKIT_CHUANGLAN_REQUESTS_PER_SECOND。",
    "Shorten the text: 536 characters with signature at most.": "缩短内容：含签名最多536个字符。",
    "Lower SMSKIT_CHUANGLAN_BATCH_SIZE.": "调低 SMSKIT_CHUANGLAN_BATCH_SIZE。",
    "Top up the account in the Chuanglan console, then run again.": "在创蓝控制台充值后重新运行。",
    "Run again within the account's sending hours.": "请在账号允许的发送时段内重新运行。",
    "Raise the quota, or run again next month.": "提高额度，或下月重新运行。",
    "Ask Chuanglan about this account.": "请就此账号联系创蓝。",
    "The extension code is 1 to 3 digits.": "扩展码为1~3位数字。",
    "The text must match an approved template of the account; look in the console.": (
        "短信内容须与账号下已审核的模板一致，请到控制台查看。"
    ),
    "Use a signature that is filed for this account.": "请使用本账号已报备的签名。",
    "Bind this machine's public address in the console (加白请求IP).": "在控制台绑定本机公网地址（加白请求IP）。",
    "Look for misuse in the console; run again tomorrow.": "到控制台检查是否被滥用，明天重新运行。",
    "Wait five minutes, then run again.": "等待五分钟后重新运行。",
    "Use the account for this kind of message.": "请使用对应此类短信的账号。",
    "Look at SMSKIT_CHUANGLAN_ENCODE_MSG and _ENCODE_VARIABLE_MSG.": (
        "检查 SMSKIT_CHUANGLAN_ENCODE_MSG 和 _ENCODE_VARIABLE_MSG。"
    ),
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
    "Look at SMSKIT_TENCENT_SECRET_ID and SMSKIT_TENCENT_SECRET_KEY (console: 访问管理 → API密钥管理).": (
        "检查 SMSKIT_TENCENT_SECRET_ID 和 SMSKIT_TENCENT_SECRET_KEY（控制台：访问管理 → API密钥管理）。"
    ),
    "Set this machine's clock; it must not differ by more than 5 minutes.": "校准本机时钟，误差不能超过5分钟。",
    "Allow the key to use SMS (console: 访问管理 → 策略).": "为密钥授权短信服务（控制台：访问管理 → 策略）。",
    "Let this machine's address in (console: IP 白名单), or ask Tencent about it.": (
        "把本机公网地址加入控制台的IP白名单，或咨询腾讯云。"
    ),
    "Look at SMSKIT_TENCENT_REGION.": "检查 SMSKIT_TENCENT_REGION。",
    "Look at SMSKIT_TENCENT_APP_ID; it must belong to the key's account (console: 应用管理).": (
        "检查 SMSKIT_TENCENT_APP_ID，须属于密钥所在账号（控制台：应用管理）。"
    ),
    "Pay in the Tencent console (套餐包, 费用中心), then run again.": "在腾讯云控制台充值（套餐包、费用中心）后重新运行。",
    "Raise the limit in the console (应用管理 → 基础配置), or run again tomorrow.": (
        "在控制台提高限额（应用管理 → 基础配置），或明天重新运行。"
    ),
    "Run again after 08:00; parameter `send_window` can keep a campaign to these hours.": (
        "请在08:00之后重新运行；参数 `send_window` 可限定发送时段。"
    ),
    "This needs an account certified as a company, and a key of the main account.": "需要企业认证账号及主账号的密钥。",
    "This person unsubscribed, or the carrier shields the number; do not try again.": (
        "此人已退订，或号码被运营商屏蔽，请勿再发。"
    ),
    "Use a signature that is approved for this account, without brackets.": "请使用本账号已审核通过的签名，不带括号。",
    "Look at the template, its kind and its state in the console (正文模板管理).": (
        "到控制台“正文模板管理”查看模板、类型及审核状态。"
    ),
    "Take the word out of the value or the template.": "从变量值或模板中删去该词。",
    "Shorten the text; 500 characters are the most.": "缩短内容，最多500个字符。",
    "Put the link into the template itself.": "把链接写进模板本身。",
    "A verification template takes at most six digits.": "验证码模板的变量最多6位数字。",
    "Set SMSKIT_TENCENT_PARAMETER_LENGTH to what the console shows; the plan then says who has more.": (
        "把 SMSKIT_TENCENT_PARAMETER_LENGTH 设为控制台所示长度，计划会列出超长的人。"
    ),
    "Lower SMSKIT_TENCENT_BATCH_SIZE.": "调低 SMSKIT_TENCENT_BATCH_SIZE。",
    "It may have been sent: look at the record in the Tencent console before sending again.": (
        "可能已发出：重发前请到腾讯云控制台查看发送记录。"
    ),
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
    # -- what to obtain, Yunpian
    "For marketing a company account with a marketing sub-account 营销子账号; notices go through a "
    "system one 系统子账号. Each has its own apikey, signatures and templates.": (
        "企业账号。营销短信用营销子账号，通知短信用系统子账号；每个子账号有各自的 apikey、签名和模板。"
    ),
    "The apikey of that sub-account (账户设置).": "该子账号的 apikey（账户设置）。",
    "An approved signature 签名 and template 模板 in the same sub-account. A text is sent only when it "
    "matches a template word for word.": "同一子账号下已审核通过的签名和模板。短信须与模板逐字一致才能发送。",
    "This machine's address in 系统设置 → IP白名单设置, where that list is switched on.": (
        "若已开启IP白名单，把本机公网地址加入“系统设置 → IP白名单设置”。"
    ),
    "获取状态报告 and 获取回复短信 switched on: else nothing can be fetched. Both are kept for 72 h.": (
        "开启“获取状态报告”和“获取回复短信”，否则无法拉取。两者均保留72小时。"
    ),
    # -- what to obtain, Aliyun
    "For promotions 推广短信 an enterprise account 企业账号. They go to members only; finance, games and "
    "social networks are excluded.": "推广短信需企业账号，且只能发给会员；金融、游戏、社交行业除外。",
    "A qualification 资质, then a signature 签名. The carriers' real-name filing 实名制报备 takes 5 to 10 "
    "working days; before it is done they may block messages.": (
        "先申请资质，再申请签名。运营商实名制报备需5~10个工作日，完成前短信可能被拦截。"
    ),
    "A template 模板 of the right kind: 推广短信 for `message_class: marketing`, 通知短信 for "
    "`notification`. Its code (`SMS_…`) is parameter `template_id`.": (
        "类型正确的模板：营销（`message_class: marketing`）用推广短信，`notification` 用通知短信。"
        "模板CODE（`SMS_…`）即参数 `template_id`。"
    ),
    "An AccessKey of a RAM user who has AliyunDysmsFullAccess (RAM 访问控制 → AccessKey).": (
        "拥有 AliyunDysmsFullAccess 权限的 RAM 用户的 AccessKey（RAM 访问控制 → AccessKey）。"
    ),
    "A package 套餐包 or balance. smskit cannot read either: look in the console before a large campaign.": (
        "套餐包或余额。smskit 无法查询，大规模发送前请到控制台确认。"
    ),
    # -- what to obtain, Chuanglan
    "A company account with real-name certification 实名认证; a signature can be filed only after it.": (
        "已实名认证的企业账号；认证后才能报备签名。"
    ),
    "An API account and its password (API账号, API密码), not the console login. One account sends one kind: "
    "验证码 codes, 通知 notices, or 会员营销 marketing.": (
        "API账号和API密码，不是控制台登录账号。一个账号只发一类短信：验证码、通知或会员营销。"
    ),
    "The address the console names for it: put it into `SMSKIT_CHUANGLAN_BASE_URL`.": (
        "控制台给出的接口地址：填入 `SMSKIT_CHUANGLAN_BASE_URL`。"
    ),
    "This machine's public address bound to the account (加白请求IP).": "为账号绑定本机公网地址（加白请求IP）。",
    "A filed signature 签名. Texts that match no approved template 模板 wait for a person's review, and may be "
    "refused later, in the report.": "已报备的签名。与已审核模板不符的短信会转人工审核，之后可能在状态报告中被拒。",
    "Reports and replies set to be fetched (拉取), not pushed.": "状态报告和上行设为“拉取”，不要设为推送。",
    # -- what to obtain, Tencent
    "An account certified as a company 企业认证: a personal one may neither send marketing messages nor be "
    "asked about templates.": "企业认证账号：个人账号不能发营销短信，也不能查询模板。",
    "An approved signature 签名 and template 正文模板; the template's number is parameter `template_id`.": (
        "已审核通过的签名和正文模板；模板ID即参数 `template_id`。"
    ),
    "An application 应用 (应用管理): its SDKAppID goes into `SMSKIT_TENCENT_APP_ID`.": (
        "一个应用（应用管理）：其 SDKAppID 填入 `SMSKIT_TENCENT_APP_ID`。"
    ),
    "SecretId and SecretKey of a CAM user who may use SMS (访问管理 → API密钥管理); keys of sub-accounts may "
    "be refused some questions.": (
        "有短信权限的 CAM 用户的 SecretId 和 SecretKey（访问管理 → API密钥管理）；子账号密钥可能无权查询部分信息。"
    ),
    "A package 套餐包, or billing after the month 后付费 (then set `SMSKIT_TENCENT_POSTPAID=1`).": (
        "套餐包，或后付费（此时设置 `SMSKIT_TENCENT_POSTPAID=1`）。"
    ),
    "How long a variable may be for this account (正文模板管理 → 创建): put it into "
    "`SMSKIT_TENCENT_PARAMETER_LENGTH`, and the plan says who has more.": (
        "本账号变量的最大长度（正文模板管理 → 创建）：填入 `SMSKIT_TENCENT_PARAMETER_LENGTH`，计划会列出超长的人。"
    ),
    # -- what to obtain, an SSP of one's own
    "The description of the SSP's interface, and an account.": "短信通道的接口文档和账号。",
    "A configuration file that says the same to smskit: docs/own_ssp.md walks through it. Its path goes "
    "into `SMSKIT_HTTP_CONFIG`.": (
        "一份向 smskit 说明该接口的配置文件，写法见 docs/own_ssp.md；其路径填入 `SMSKIT_HTTP_CONFIG`。"
    ),
    "The credentials the file has placeholders for.": "配置文件中占位符所需的凭证。",
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
    "yunpian.com names no wording for text messages; usual ones end with 退订 or 拒收请回复R": (
        "云片文档未规定短信的固定写法；通行写法以“退订”或“拒收请回复R”结尾"
    ),
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
