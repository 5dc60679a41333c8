"""
What Aliyun's codes mean: those of its gateway, of sending, and of delivery.

Sources: help.aliyun.com 101346, 101347 and "API error codes" (sending and
delivery), 51132, 434846 and 435312 (gateway); read 2026-11. A code that is not
here is unknown, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from smskit.models import About, Code, CodeClass

_Row = tuple[str, CodeClass, About, str, str]

_OURS = "A mistake in the request; please report it to the maintainers of smskit."
_KEY = "Look at SMSKIT_ALIYUN_ACCESS_KEY_ID and _ACCESS_KEY_SECRET (console: RAM → AccessKey)."
_RAM = "Grant the RAM user AliyunDysmsFullAccess, or the named dysms: action."
_HOST = "Look at SMSKIT_ALIYUN_BASE_URL; it must be an SMS host of Aliyun."
_TOP_UP = "Top up the account in the Aliyun console, then run again."
_STS = "Get new temporary credentials and put them into the environment."
_TOTAL = "Raise the limit in the SMS console (通用设置 → 发送频率), or run again when it is over."

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0

# Fields the gateway may call missing or invalid; it puts the field's name into the code.
_FIELDS = (
    "PhoneNumbers",
    "SignName",
    "TemplateCode",
    "TemplateParam",
    "PhoneNumberJson",
    "SignNameJson",
    "TemplateParamJson",
    "SmsUpExtendCode",
    "SmsUpExtendCodeJson",
    "OutId",
    "PhoneNumber",
    "SendDate",
    "PageSize",
    "CurrentPage",
    "PageIndex",
    "BizId",
)


def _gateway() -> Iterator[_Row]:
    """
    Codes said before the SMS product sees the call.

    None of them is about a person, so none refuses people for good: what has to
    be put right first stops the campaign, and everybody keeps waiting.
    """
    account, retry, unknown = CodeClass.ACCOUNT, CodeClass.RETRY, CodeClass.UNKNOWN
    request = About.REQUEST
    yield "SignatureDoesNotMatch", account, request, "签名不匹配", _KEY
    yield "IncompleteSignature", account, request, "签名不符合规范", _OURS
    yield "InvalidAccessKeyId.NotFound", account, request, "AccessKeyId 不存在", _KEY
    yield (
        "InvalidAccessKeyId.Inactive",
        account,
        request,
        "AccessKey 已被禁用",
        "Enable the key in the console.",
    )
    yield "MissingAccessKeyId", account, request, "缺少 AccessKeyId", _KEY
    clock = "Set this machine's clock, then run again."
    yield "InvalidTimeStamp.Format", account, request, "时间戳格式错误", _OURS
    yield "InvalidTimeStamp.Expired", account, request, "时间戳与服务器相差超过15分钟", clock
    # A nonce is never used twice here, so something on the way repeated a request that had arrived.
    yield "SignatureNonceUsed", unknown, request, "随机数已被使用", "Look for a proxy that repeats requests."
    yield "InvalidSignatureMethod", account, request, "签名方法不支持", _OURS
    yield "UnsupportedHTTPMethod", account, request, "HTTP 方法不支持", _OURS
    yield "InvalidVersion", account, request, "API 版本错误", _OURS
    yield "InvalidAction.NotFound", account, request, "接口不存在", _HOST
    yield "InvalidApi.NotFound", account, request, "接口不存在", _HOST
    yield "InvalidProduct.NotFound", account, request, "产品不存在", _HOST
    yield "InvalidProtocol.NeedSsl", account, request, "接口只支持 HTTPS", _HOST
    yield "InvalidParameter.Format", account, request, "Format 参数错误", _OURS
    yield "Forbidden.RAM", account, request, "RAM 用户无权限", _RAM
    yield "NoPermission", account, request, "RAM 用户无权限", _RAM
    yield "Forbidden", account, request, "禁止访问", "Ask Aliyun why the account is blocked."
    yield "Forbidden.RiskControl", account, request, "触发风控", "Ask Aliyun why the account is blocked."
    yield "InvalidSecurityToken.Expired", account, request, "STS 令牌已过期", _STS
    yield "InvalidSecurityToken.Malformed", account, request, "STS 令牌格式错误", _STS
    yield "InvalidSecurityToken.MismatchWithAccessKey", account, request, "STS 令牌与 AccessKey 不符", _STS
    for name in ("Throttling", "Throttling.User", "Throttling.Api"):
        yield name, retry, request, "请求过于频繁", ""
    yield "ServiceUnavailable", retry, request, "服务暂不可用", ""
    yield "InternalError", unknown, request, "服务内部错误", ""
    for field in _FIELDS:
        yield f"Missing{field}", CodeClass.REFUSED, request, f"缺少参数 {field}", _OURS
        yield f"Invalid{field}", CodeClass.REFUSED, request, f"参数 {field} 不合法", _OURS


def _product() -> Iterator[_Row]:
    """Codes of sending; all but the first say that nothing was sent, or nothing at all."""
    number, text, request = About.NUMBER, About.TEXT, About.REQUEST
    refused, account, unknown = CodeClass.REFUSED, CodeClass.ACCOUNT, CodeClass.UNKNOWN
    yield "OK", CodeClass.ACCEPTED, number, "请求成功", ""
    # The account.
    yield "isv.ACCOUNT_NOT_EXISTS", account, request, "账户不存在", _KEY
    yield "isv.ACCOUNT_ABNORMAL", account, request, "账户异常", "Look at the account's bills in the console."
    frozen = "Ask Aliyun to unlock sending; it was locked after long disuse."
    yield "isv.SECURITY_FROZEN_ACCOUNT", account, request, "长期未使用，账号被冻结", frozen
    yield "isv.OUT_OF_SERVICE", account, request, "欠费停服", _TOP_UP
    yield "isv.AMOUNT_NOT_ENOUGH", account, request, "账户余额不足", _TOP_UP
    yield "isv.PRODUCT_UN_SUBSCRIPT", account, request, "未开通云通信产品", "Activate SMS in the console."
    yield "isv.PRODUCT_UNSUBSCRIBE", account, request, "产品未开通", "Activate SMS in the console."
    yield "isp.RAM_PERMISSION_DENY", account, request, "RAM 权限不足", _RAM
    abroad = "Send from an address in mainland China."
    yield "isv.DENY_IP_RANGE", account, request, "源 IP 地址所在的地区被禁用", abroad
    yield "isv.DAY_LIMIT_CONTROL", account, request, "触发日发送总量限额", _TOTAL
    yield "isv.MONTH_LIMIT_CONTROL", account, request, "触发月发送总量限额", _TOTAL
    codes = "The account's extension codes are used up; ask Aliyun."
    yield "isv.CODE_EXCEED_LIMIT", account, request, "扩展码超过上限", codes
    filing = "Wait until the carriers have registered the signature (实名制报备)."
    yield "PORT_NOT_REGISTERED", account, request, "端口未实名制报备", filing
    # How it was asked.
    yield "isv.INTERFACE_OFFLINE", refused, request, "接口已下线", _OURS
    yield "isv.INVALID_PARAMETERS", refused, request, "参数格式不正确", _OURS
    yield "isv.INVALID_JSON_PARAM", refused, request, "参数不是合法的 JSON", _OURS
    fewer = "Set SMSKIT_ALIYUN_BATCH_SIZE lower."
    yield "isv.MOBILE_COUNT_OVER_LIMIT", refused, request, "手机号码数量超过限制", fewer
    extend = "Use another SMSKIT_ALIYUN_EXTEND_CODE; one may not serve two signatures."
    yield "isv.EXTEND_CODE_ERROR", refused, request, "扩展码使用错误", extend
    yield "isv.ONE_CODE_MULTIPLE_SIGN", refused, request, "一个扩展码对应多个签名", extend
    yield "isv.CODE_ERROR", refused, request, "扩展码超长", "Shorten SMSKIT_ALIYUN_EXTEND_CODE."
    # The text, its template, its signature.
    missing = "Bind every variable of the template."
    yield "isv.TEMPLATE_MISSING_PARAMETERS", refused, text, "模板变量缺少对应值", missing
    sign = "Use a signature that is approved for this account, spelt exactly as there."
    yield "isv.SMS_SIGNATURE_ILLEGAL", refused, text, "签名不合法或未审核通过", sign
    yield "isv.SMS_SIGN_NAME_ILLEGAL", refused, text, "签名不合法或未审核通过", sign
    yield "isv.SMS_SIGN_ILLEGAL", refused, text, "签名禁止使用", sign
    yield "isv.SIGN_STATE_ILLEGAL", refused, text, "签名不可用", sign
    yield "isv.SIGN_NAME_ILLEGAL", refused, text, "签名名称不符合规范", sign
    yield "SIGNATURE_BLACKLIST", refused, text, "签名在黑名单中", sign
    scene = "A signature for verification codes needs a template for verification codes."
    yield "isv.SMS_SIGNATURE_SCENE_ILLEGAL", refused, text, "签名与模板类型不一致", scene
    template = "Use a template that is approved for this account, and bind exactly its variables."
    yield "isv.SMS_TEMPLATE_ILLEGAL", refused, text, "模板不合法或未审核通过", template
    yield (
        "isv.SMS_CONTENT_ILLEGAL",
        refused,
        text,
        "短信内容包含禁止发送的内容",
        "Change the template or the value.",
    )
    signs = "No traditional Chinese, emoji, 【】 or rare symbols in a value."
    yield "isv.UNSUPPORTED_CONTENT", refused, text, "内容包含不支持的字符", signs
    kind = "A promotion needs a template for promotions (推广短信)."
    yield "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE", refused, text, "短信内容与模板类型不符", kind
    value = "The value does not fit the kind the template declares for its variable."
    yield "isv.TEMPLATE_PARAMS_ILLEGAL", refused, text, "变量值不符合规范", value
    yield "TemplateParam.Illegal", refused, text, "变量值不符合规范", value
    length = "Values have 1 to 35 characters, in verification codes 4 to 6."
    yield "isv.PARAM_LENGTH_LIMIT", refused, text, "变量值超过长度限制", length
    yield "isv.PARAM_NOT_SUPPORT_URL", refused, text, "变量中不支持链接", "Put the link into the template."
    bound = "Test signature and test template only go together, to numbers bound in the console."
    yield "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT", refused, text, "测试签名与测试模板必须一起使用", bound
    yield "isv.SMS_TEST_TEMPLATE_PARAMS_ILLEGAL", refused, text, "测试模板变量仅支持4~6位数字", bound
    # The number.
    yield "isv.SMS_TEST_NUMBER_LIMIT", refused, number, "只能向已绑定的手机号发送测试短信", bound
    yield "isv.MOBILE_NUMBER_ILLEGAL", refused, number, "手机号码格式错误", ""
    yield "isv.DOMESTIC_NUMBER_NOT_SUPPORTED", refused, number, "国际模板不支持境内号码", ""
    # Old pages give this code another meaning (a word in the value); the new one is about the number.
    yield "isv.BLACK_KEY_CONTROL_LIMIT", refused, number, "号码在防骚扰名单中", ""
    yield (
        "isv.CUSTOMER_REFUSED",
        refused,
        number,
        "用户已退订推广短信",
        "Put this person on the opt-out list.",
    )
    yield "isv.BUSINESS_LIMIT_CONTROL", CodeClass.LATER, number, "触发号码发送频率限制", ""
    # Said by Aliyun of itself, without a word on whether the message was taken.
    yield "isp.SYSTEM_ERROR", unknown, request, "系统错误", ""
    yield "isp.GATEWAY_ERROR", unknown, request, "网关错误", ""


# The window is in the text, not in the code: the shortest one stands here, see `limit_window_s`.
_AFTER = {"isv.BUSINESS_LIMIT_CONTROL": _MINUTE, "ServiceUnavailable": 2.0} | dict.fromkeys(
    ("Throttling", "Throttling.User", "Throttling.Api"), 1.0
)

CODES: Mapping[str, Code] = {
    code: Code(kind, meaning, step, _AFTER.get(code), about)
    for rows in (_gateway(), _product())
    for code, kind, about, meaning, step in rows
}

# What became of an accepted message: ErrCode of QuerySendDetails, err_code of a report. The list is open:
# carriers' own codes (UNDELIV, MK:0001 ...) come through as they are.
DELIVERY: Mapping[str, str] = {
    "DELIVERED": "用户接收成功",
    "REQUEST_SUCCESS": "已提交，运营商未返回回执",
    "MOBILE_NOT_ON_SERVICE": "停机、空号、关机或不在服务区",
    "INVALID_NUMBER": "号码状态异常或格式错误",
    "MOBILE_SEND_LIMIT": "号码触发平台或运营商的频率限制",
    "MOBILE_ACCOUNT_ABNORMAL": "用户账户异常（欠费、携号转网等）",
    "MOBILE_IN_BLACK": "号码在黑名单中，多为用户退订",
    "USER_REJECT": "用户拒收或未开通该业务",
    "MOBLLE_TERMINAL_ERROR": "手机终端问题",
    "MOBILE_TERMINAL_ERROR": "手机终端问题",
    "CONTENT_KEYWORD": "运营商关键字拦截",
    "CONTENT_ERROR": "推广短信缺少退订方式",
    "SIGNATURE_BLACKLIST": "签名在黑名单中",
    "PARAMS_ILLEGAL": "签名、内容或号码错误",
    "NO_ROUTE": "没有可用通道",
    "IS_CLOSE": "发送时通道关闭",
    "EXPIRED": "在运营商处过期",
    "SP_NOT_BY_INTER_SMS": "收件人未开通国际短信",
    "SP_UNKNOWN_ERROR": "运营商返回未知错误",
    "PORT_NOT_REGISTERED": "端口未实名制报备",
    "VALVE:M_MC": "重复过滤（分钟）",
    "VALVE:H_MC": "重复过滤（小时）",
    "VALVE:D_MC": "重复过滤（天）",
    "FILTER": "被过滤",
}


def limit_window_s(message: str) -> float:
    """
    How long a number stays limited, told from the text beside ``isv.BUSINESS_LIMIT_CONTROL``.

    Minute and hour are clock windows, so this is the longest they can last. A
    text that names no window is read as the longest one.

    >>> [limit_window_s(f"触发{grade}级流控Permits:1") for grade in ("分钟", "小时", "天")]
    [60.0, 3600.0, 86400.0]
    """
    return _MINUTE if "分钟" in message else _HOUR if "小时" in message else _DAY
