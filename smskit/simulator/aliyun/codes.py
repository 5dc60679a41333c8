"""
Aliyun's codes in its own words, and what a refusal looks like.

Sources: the project's Aliyun dossier, sections 5 (gateway), 8 (product) and 9 (delivery).
"""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """What stands beside a code, and the HTTP status it comes with; 200 for all the product says."""

    msg: str
    status: int = 200


_GATEWAY: dict[str, Words] = {
    "SignatureDoesNotMatch": Words("Specified signature is not matched with our calculation.", 400),
    "IncompleteSignature": Words("The request signature does not conform to Aliyun standards.", 400),
    "InvalidAccessKeyId.NotFound": Words("Specified access key is not found.", 404),
    "InvalidAccessKeyId.Inactive": Words("Specified access key is disabled.", 400),
    "MissingAccessKeyId": Words("AccessKeyId is mandatory for this action.", 400),
    "InvalidTimeStamp.Format": Words("Specified time stamp or date value is not well formatted.", 400),
    "InvalidTimeStamp.Expired": Words("Specified time stamp or date value is expired.", 400),
    "SignatureNonceUsed": Words("Specified signature nonce was used already.", 400),
    "InvalidSignatureMethod": Words("Specified signature method is not supported.", 400),
    "UnsupportedHTTPMethod": Words("This http method is not supported.", 400),
    "InvalidVersion": Words("Specified parameter Version is not valid.", 400),
    "InvalidAction.NotFound": Words("Specified api is not found, please check your url and method.", 404),
    "InvalidApi.NotFound": Words("Specified api is not found, please check your url and method.", 404),
    "InvalidProduct.NotFound": Words("Cannot find product according to your specified domain.", 404),
    "InvalidProtocol.NeedSsl": Words("Your request is denied as lack of ssl protect.", 404),
    "InvalidParameter.Format": Words("Specified parameter format is not valid.", 400),
    "Forbidden.RAM": Words("User not authorized to operate on the specified resource.", 403),
    "NoPermission": Words("You are not authorized to do this operation.", 403),
    "Forbidden": Words("The request is forbidden.", 403),
    "Forbidden.RiskControl": Words("This operation is forbidden by risk control.", 403),
    "InvalidSecurityToken.Expired": Words("Specified SecurityToken is expired.", 400),
    "InvalidSecurityToken.Malformed": Words("Specified SecurityToken is malformed.", 400),
    "InvalidSecurityToken.MismatchWithAccessKey": Words("Specified SecurityToken mismatch with key.", 400),
    "Throttling": Words("Request was denied due to request throttling.", 400),
    "Throttling.User": Words("Request was denied due to user flow control.", 400),
    "Throttling.Api": Words("Request was denied due to api flow control.", 400),
    "ServiceUnavailable": Words("The request has failed due to a temporary failure of the server.", 503),
    "InternalError": Words("The request processing has failed due to some unknown error.", 500),
}

_PRODUCT: dict[str, Words] = {
    "OK": Words("OK"),
    "isv.ACCOUNT_NOT_EXISTS": Words("账户不存在"),
    "isv.ACCOUNT_ABNORMAL": Words("账户异常"),
    "isv.SECURITY_FROZEN_ACCOUNT": Words("账号被冻结"),
    "isv.OUT_OF_SERVICE": Words("业务停机"),
    "isv.AMOUNT_NOT_ENOUGH": Words("账户余额不足"),
    "isv.PRODUCT_UN_SUBSCRIPT": Words("未开通云通信产品的阿里云客户"),
    "isv.PRODUCT_UNSUBSCRIBE": Words("产品未开通"),
    "isp.RAM_PERMISSION_DENY": Words("RAM权限DENY"),
    "isv.DENY_IP_RANGE": Words("源IP地址所在的地区被禁用"),
    "isv.INTERFACE_OFFLINE": Words("接口已下线"),
    "isv.INVALID_PARAMETERS": Words("参数异常"),
    "isv.INVALID_JSON_PARAM": Words("参数格式错误，需要字符串值"),
    "isv.TEMPLATE_MISSING_PARAMETERS": Words("模板缺少变量"),
    "isv.MOBILE_COUNT_OVER_LIMIT": Words("手机号码数量超过限制"),
    "isv.MOBILE_NUMBER_ILLEGAL": Words("非法手机号"),
    "isv.DOMESTIC_NUMBER_NOT_SUPPORTED": Words("国际模板不支持境内号码"),
    "isv.BLACK_KEY_CONTROL_LIMIT": Words("黑名单管控"),
    "isv.CUSTOMER_REFUSED": Words("用户已退订推广短信"),
    "isv.BUSINESS_LIMIT_CONTROL": Words("触发分钟级流控Permits:1"),
    "isv.DAY_LIMIT_CONTROL": Words("触发日发送限额"),
    "isv.MONTH_LIMIT_CONTROL": Words("触发月发送限额"),
    "isv.SMS_SIGNATURE_ILLEGAL": Words("短信签名不合法"),
    "isv.SMS_SIGN_NAME_ILLEGAL": Words("短信签名不合法"),
    "isv.SMS_SIGN_ILLEGAL": Words("签名禁止使用"),
    "isv.SIGN_STATE_ILLEGAL": Words("签名不可用"),
    "isv.SIGN_NAME_ILLEGAL": Words("签名名称不符合规范"),
    "SIGNATURE_BLACKLIST": Words("签名黑名单"),
    "isv.SMS_SIGNATURE_SCENE_ILLEGAL": Words("短信所使用签名场景非法"),
    "isv.SMS_TEMPLATE_ILLEGAL": Words("短信模板不合法"),
    "isv.SMS_CONTENT_ILLEGAL": Words("短信内容包含禁止发送内容"),
    "isv.UNSUPPORTED_CONTENT": Words("内容含有不支持的字符"),
    "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE": Words("短信内容和模板属性不匹配"),
    "isv.TEMPLATE_PARAMS_ILLEGAL": Words("模板变量中存在非法参数"),
    "TemplateParam.Illegal": Words("模板变量中存在非法参数"),
    "isv.PARAM_LENGTH_LIMIT": Words("参数超过长度限制"),
    "isv.PARAM_NOT_SUPPORT_URL": Words("变量不支持传入URL"),
    "isv.EXTEND_CODE_ERROR": Words("扩展码使用错误"),
    "isv.ONE_CODE_MULTIPLE_SIGN": Words("一码多签"),
    "isv.CODE_EXCEED_LIMIT": Words("自拓扩展码个数超过上限"),
    "isv.CODE_ERROR": Words("自拓扩展码超限"),
    "PORT_NOT_REGISTERED": Words("端口未实名制报备"),
    "isp.SYSTEM_ERROR": Words("系统错误"),
    "isp.GATEWAY_ERROR": Words("调用发送模块失败"),
    "isv.SMS_TEST_NUMBER_LIMIT": Words("只能向已回复授权信息的手机号发送"),
    "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT": Words("测试模板和签名限制"),
    "isv.SMS_TEST_TEMPLATE_PARAMS_ILLEGAL": Words("测试专用模板中的变量仅支持4~6位纯数字"),
    "isv.TEMPLATE_OVER_LIMIT": Words("模板字符数量超过限制"),
    "template_parameter_count_illegal": Words("验证码模板参数过多"),
    "isv.ERROR_TEMPLATE_NOT_DELETE": Words("审核中的模板，暂时无法删除"),
    "isv.ERROR_TEMPLATE_NOT_MODIFY": Words("已通过模板，不支持修改"),
}

# Every field may be missing or malformed to the gateway, which puts its name into the code.
FIELDS = (
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

CODES: dict[str, Words] = (
    _GATEWAY
    | {f"Missing{field}": Words(f"{field} is mandatory for this action.", 400) for field in FIELDS}
    | {f"Invalid{field}": Words(f"Specified parameter {field} is not valid.", 400) for field in FIELDS}
    | _PRODUCT
)

# Delivery codes. A fault plan's words are the carriers' own; where Aliyun has a word for one, it uses that.
DELIVERY: dict[str, str] = {
    "DELIVERED": "用户接收成功",
    "MOBILE_NOT_ON_SERVICE": "手机停机、空号、关机或不在服务区",
    "INVALID_NUMBER": "号码状态异常",
    "USER_REJECT": "用户拒绝接收",
    "EXPIRED": "运营商侧超过有效期",
}
_CARRIERS_WORDS = {
    "DELIVRD": "DELIVERED",
    "UNDELIV": "MOBILE_NOT_ON_SERVICE",
    "REJECTD": "USER_REJECT",
    "YP:54": "INVALID_NUMBER",
}


def delivery_code(code: str) -> str:
    """Return Aliyun's word for a carrier's code; what it has no word for comes through."""
    return _CARRIERS_WORDS.get(code, code)


class Refusal(Exception):
    """
    Aliyun says no to a call: its gateway with an HTTP status, the product with 200.

    Args:
        code: A key of `CODES`, or one nobody has documented.
        message: The specific cause; "" takes the code's usual words.
    """

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        unlisted = Words("发生错误", 400 if code.startswith(("Missing", "Invalid")) else 200)
        words = CODES.get(code, unlisted)
        self.code = code
        self.message = message or words.msg
        self.status = words.status
