"""
What Tencent's codes mean for a message.

Sources: "错误码" of SMS (cloud.tencent.com/document/api/382/59177), "公共错误码"
(document/api/382/38780), the official SDK's ``errorcodes.py`` (sms 3.1.153);
read 2026-11. Of the codes that only managing signatures and templates can
meet, none is here: smskit leaves that to the console.
"""

from __future__ import annotations

from collections.abc import Mapping

from smskit.models import About, Code, CodeClass

OK = "Ok"  # the one code of success; its spelling is Tencent's
TOO_MANY = "LimitExceeded.PhoneNumberCountLimit"
NO_BALANCE = "FailedOperation.InsufficientBalanceInSmsPackage"
NO_SIGNATURE = "FailedOperation.SignatureIncorrectOrUnapproved"
NO_TEMPLATE = "FailedOperation.TemplateIdNotExist"
OTHER_TEMPLATE = "FailedOperation.TemplateIncorrectOrUnapproved"
MISSING = "MissingParameter"
EXPIRED = "AuthFailure.SignatureExpire"

# Families whose every member says the same: refused at the door, before anything was looked at. The
# words after the dot only say why, so one that is not in the table is no riddle.
FAMILIES = frozenset({"AuthFailure", "RequestLimitExceeded", "UnauthorizedOperation"})

# The key is good, but may not ask this: personal accounts, sub-accounts, keys that may only send.
MAY_NOT_ASK = frozenset(
    {
        "AuthFailure.UnauthorizedOperation",
        "FailedOperation.NotEnterpriseCertification",
        "FailedOperation.ProhibitSubAccountUse",
        "UnauthorizedOperation",
        "UnauthorizedOperation.RequestPermissionDeny",
    }
)


def _table() -> dict[str, Code]:
    """
    Every code of the documents, by what it means for a message.

    The documents do not say which codes stand at the top of an answer and which
    in the row of one number, so one table serves both.
    """
    number, text, request = About.NUMBER, About.TEXT, About.REQUEST
    refused, later, retry = CodeClass.REFUSED, CodeClass.LATER, CodeClass.RETRY
    account, unknown = CodeClass.ACCOUNT, CodeClass.UNKNOWN
    table = {OK: Code(CodeClass.ACCEPTED, "发送成功")}

    def add(
        kind: CodeClass, about: About, step: str, codes: Mapping[str, str], *, after: float | None = None
    ) -> None:
        table.update({code: Code(kind, meaning, step, after, about) for code, meaning in codes.items()})

    # -- the account, or how this machine is set up: everybody waits until it is right
    add(
        account,
        request,
        "Look at SMSKIT_TENCENT_SECRET_ID and SMSKIT_TENCENT_SECRET_KEY (console: 访问管理 → API密钥管理).",
        {
            "AuthFailure": "鉴权失败",
            "AuthFailure.InvalidAuthorization": "请求头 Authorization 不合规范",
            "AuthFailure.InvalidSecretId": "密钥类型不对",
            "AuthFailure.MFAFailure": "MFA 错误",
            "AuthFailure.SecretIdNotFound": "密钥不存在",
            "AuthFailure.SignatureFailure": "签名错误",
            "AuthFailure.TokenFailure": "临时密钥的 token 错误",
        },
    )
    add(
        account,
        request,
        "Set this machine's clock; it must not differ by more than 5 minutes.",
        {"AuthFailure.SignatureExpire": "签名过期"},
    )
    add(
        account,
        request,
        "Allow the key to use SMS (console: 访问管理 → 策略).",
        {
            "AuthFailure.UnauthorizedOperation": "未授权",
            "UnauthorizedOperation": "未授权操作",
            "UnauthorizedOperation.RequestPermissionDeny": "请求没有权限",
        },
    )
    add(
        account,
        request,
        "Let this machine's address in (console: IP 白名单), or ask Tencent about it.",
        {
            "IpInBlacklist": "IP 在黑名单中",
            "IpNotInWhitelist": "IP 不在白名单中",
            "UnauthorizedOperation.RequestIpNotInWhitelist": "请求 IP 不在白名单中",
        },
    )
    add(account, request, "Look at SMSKIT_TENCENT_REGION.", {"UnsupportedRegion": "地域不支持"})
    add(
        account,
        request,
        "Look at SMSKIT_TENCENT_APP_ID; it must belong to the key's account (console: 应用管理).",
        {
            "InvalidParameter.AppidAndBizId": "账号与应用不匹配",
            "InvalidParameterValue.SdkAppIdNotExist": "SdkAppId 不存在",
            "UnauthorizedOperation.SdkAppIdIsDisabled": "SdkAppId 被停用",
            "UnauthorizedOperation.SmsSdkAppIdVerifyFail": "SmsSdkAppId 校验失败",
        },
    )
    add(
        account,
        request,
        "Pay in the Tencent console (套餐包, 费用中心), then run again.",
        {
            "FailedOperation.InsufficientBalanceInSmsPackage": "套餐包余量不足",
            "UnauthorizedOperation.ServiceSuspendDueToArrears": "欠费停服",
        },
    )
    add(
        account,
        request,
        "Raise the limit in the console (应用管理 → 基础配置), or run again tomorrow.",
        {
            "LimitExceeded": "超过配额",
            "LimitExceeded.AppCountryOrRegionDailyLimit": "国家或地区日发送量超限",
            "LimitExceeded.AppDailyLimit": "应用日发送量超限",
            "LimitExceeded.AppGlobalDailyLimit": "应用国际日发送量超限",
            "LimitExceeded.AppMainlandChinaDailyLimit": "应用国内日发送量超限",
            "LimitExceeded.DailyLimit": "日发送量超限",
        },
    )
    add(
        account,
        request,
        "Run again after 08:00; parameter `send_window` can keep a campaign to these hours.",
        {"FailedOperation.MarketingSendTimeConstraint": "营销短信限 8 点到 22 点发送"},
    )
    add(
        account,
        request,
        "This needs an account certified as a company, and a key of the main account.",
        {
            "FailedOperation.NotEnterpriseCertification": "非企业认证",
            "FailedOperation.ProhibitSubAccountUse": "子账号不可用",
            "UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny": "个人用户不能发营销短信",
        },
    )

    # -- too fast: nothing was taken
    add(
        retry,
        request,
        "",
        {
            "RequestLimitExceeded": "请求频率超限",
            "RequestLimitExceeded.GlobalRegionUinLimitExceeded": "账号在所有地域的请求频率超限",
            "RequestLimitExceeded.IPLimitExceeded": "来源 IP 请求频率超限",
            "RequestLimitExceeded.UinLimitExceeded": "账号请求频率超限",
        },
        after=1.0,
    )
    add(retry, number, "", {"LimitExceeded.GlobalSmsSendingRateLimit": "国际短信发送速率超限"}, after=1.0)

    # -- this number, for a while
    for code, meaning, window in (
        ("PhoneNumberThirtySecondLimit", "同一号码 30 秒内超限", 30.0),
        ("PhoneNumberOneHourLimit", "同一号码 1 小时内超限", 3600.0),
        ("PhoneNumberDailyLimit", "同一号码当日超限", 86400.0),
        ("PhoneNumberSameContentDailyLimit", "同一号码相同内容超限", 86400.0),
        # Which rule it was is not said. The shortest is 30 s; a longer one shows by being hit again.
        ("DeliveryFrequencyLimit", "命中频率限制策略", 60.0),
    ):
        add(later, number, "", {f"LimitExceeded.{code}": meaning}, after=window)

    # -- this number, for good
    add(
        refused,
        number,
        "This person unsubscribed, or the carrier shields the number; do not try again.",
        {"FailedOperation.PhoneNumberInBlacklist": "号码在免打扰名单中"},
    )
    add(
        refused,
        number,
        "",
        {
            "FailedOperation.PhoneNumberParseFail": "号码解析失败",
            "InvalidParameterValue.IncorrectPhoneNumber": "手机号格式错误",
            "LimitExceeded.AppCountryOrRegionInBlacklist": "国家或地区被应用设置禁发",
            "UnsupportedOperation.UnsupportedRegion": "不支持该地区",
        },
    )

    # -- what it says: template, signature, values
    add(
        refused,
        text,
        "Use a signature that is approved for this account, without brackets.",
        {
            "FailedOperation.MissingSignatureList": "没有可识别的签名",
            "FailedOperation.SignIdNotExist": "签名不存在",
            "FailedOperation.SignatureIncorrectOrUnapproved": "签名未审批或格式错误",
        },
    )
    add(
        refused,
        text,
        "Look at the template, its kind and its state in the console (正文模板管理).",
        {
            "FailedOperation.MissingTemplateList": "没有可识别的模板",
            "FailedOperation.TemplateIdNotExist": "模板 ID 不存在",
            "FailedOperation.TemplateIncorrectOrUnapproved": "模板未审批或内容不匹配",
            "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": "模板参数个数不匹配",
            "FailedOperation.TemplateUnapprovedOrNotExist": "模板未审批或不存在",
            "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone": "国内模板不支持国际号码",
            "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone": "国际模板不支持国内号码",
        },
    )
    add(
        refused,
        text,
        "Take the word out of the value or the template.",
        {
            "FailedOperation.ContainSensitiveWord": "内容含敏感词",
            "InvalidParameter.DirtyWordFound": "存在敏感词",
        },
    )
    add(
        refused,
        text,
        "Shorten the text; 500 characters are the most.",
        {"InvalidParameterValue.ContentLengthLimit": "短信内容太长"},
    )
    add(
        refused,
        text,
        "Put the link into the template itself.",
        {"InvalidParameterValue.ProhibitedUseUrlInTemplateParameter": "模板变量不能含 URL"},
    )
    add(
        refused,
        text,
        "A verification template takes at most six digits.",
        {"InvalidParameterValue.TemplateParameterFormatError": "验证码模板变量须为 0 到 6 位数字"},
    )
    add(
        refused,
        text,
        "Set SMSKIT_TENCENT_PARAMETER_LENGTH to what the console shows; the plan then says who has more.",
        {"InvalidParameterValue.TemplateParameterLengthLimit": "模板变量超长"},
    )

    # -- how it was asked
    add(
        refused,
        request,
        "A mistake in the request; please report it to the maintainers of smskit.",
        {
            "ActionOffline": "接口已下线",
            "DryRunOperation": "DryRun 操作",
            "FailedOperation": "操作失败",
            "FailedOperation.FailResolvePacket": "请求包解析失败",
            "FailedOperation.JsonParseFail": "请求体解析失败",
            "FailedOperation.OtherError": "其他错误",
            "FailedOperation.ParametersOtherError": "参数其他错误",
            "InvalidAction": "接口不存在",
            "InvalidParameter": "参数错误",
            "InvalidParameter.InvalidParameters": "参数有误",
            "InvalidParameterValue": "参数取值错误",
            "InvalidParameterValue.BeginTimeVerifyFail": "BeginTime 校验失败",
            "InvalidParameterValue.EndTimeVerifyFail": "EndTime 校验失败",
            "InvalidParameterValue.InvalidInternational": "International 校验失败",
            "InvalidParameterValue.InvalidStartTime": "起止时间无效",
            "InvalidParameterValue.LimitVerifyFail": "Limit 校验失败",
            "InvalidParameterValue.MultiSmsInfoSetEmpty": "MultiSmsInfoSet 为空",
            "InvalidParameterValue.OffsetVerifyFail": "Offset 校验失败",
            "InvalidRequest": "请求体格式错误",
            "MissingParameter": "缺少参数",
            "MissingParameter.EmptyPhoneNumberSet": "号码列表为空",
            "NoSuchProduct": "产品不存在",
            "NoSuchVersion": "接口版本不存在",
            "UnknownParameter": "未知参数",
            "UnsupportedOperation": "操作不支持",
            "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber": "国内与国际号码混发",
            "UnsupportedOperation.ContainDomesticPhoneNumber": "含国内号码",
            "UnsupportedProtocol": "协议不支持",
        },
    )
    add(refused, request, "Lower SMSKIT_TENCENT_BATCH_SIZE.", {TOO_MANY: "单次号码超过 200 个"})

    # -- nobody knows. Some of Tencent's inner errors sound like a refusal, but something behind the door
    # said them: a message too many weighs more than a question too many. And of the three without
    # InternalError no document says that nothing was taken.
    add(
        unknown,
        request,
        "It may have been sent: look at the record in the Tencent console before sending again.",
        {
            "InternalError": "内部错误",
            "InternalError.JsonParseFail": "用户参数解析失败",
            "InternalError.OtherError": "内部其他错误",
            "InternalError.ParseBackendResponseFail": "运营商包解析失败",
            "InternalError.RequestTimeException": "请求时间不正常",
            "InternalError.RestApiInterfaceNotExist": "内部接口不存在",
            "InternalError.SendAndRecvFail": "收发包超时",
            "InternalError.SigFieldMissing": "后端签名缺失",
            "InternalError.SigVerificationFail": "后端签名校验失败",
            "InternalError.Timeout": "下发超时",
            "InternalError.UnknownError": "内部未知错误",
            "ResourceInsufficient": "资源不足",
            "ResourceUnavailable": "资源不可用",
            "ServiceUnavailable": "服务暂不可用",
        },
    )
    return table


CODES = _table()

# What became of an accepted message. Sources: cloud.tencent.com/document/product/382/3771 and
# tencentcloud.com/document/product/382/35462, read 2026-11. The mainland list is longer and changes; codes
# that are not here are the carriers' own.
DELIVERY: Mapping[str, str] = {
    "DELIVRD": "短消息转发成功",
    "UNDELIV": "用户关机、停机、不在服务区或号码状态不正常",
    "EXPIRED": "有效期内未能送达终端",
    "REJECTD": "被运营商拒绝：关键字、内容或签名未报备",
    "DELETED": "短消息被删除，多为终端问题",
    "SUBFAIL": "提交运营商失败，如号码格式错误",
    "UNKNOWN": "未知短消息状态",
    "COMFAIL": "与运营商连接失败",
    "WTNFAIL": "与运营商网络故障",
    "-106": "运营商关键字拦截",
    "002": "用户关机、停机、无法接通或不在服务区",
}
