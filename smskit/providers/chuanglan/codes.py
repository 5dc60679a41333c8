"""
What Chuanglan's codes mean for a message, and the words of its reports.

Sources: 253云通讯PaaS短信云接口说明（JSON版）rev. 1.2.0; public clients of the template API; read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping

from smskit.models import About, Code, CodeClass

# Status codes of its reports. Source: the vendor's interface document of 2018, 3.2; read 2026-11. Others
# are the gateways' own.
DELIVERY: Mapping[str, str] = {
    "DELIVRD": "短信发送成功",
    "UNKNOWN": "未知短信状态",
    "REJECTD": "短信被短信中心拒绝",
    "REJECT": "审核驳回",
    "MBBLACK": "目的号码是黑名单号码",
    "SM11": "网关验证号码格式错误",
    "SM12": "平台验证号码格式错误",
}


def _codes(*rows: tuple[str, CodeClass, About, str, str]) -> dict[str, Code]:
    return {code: Code(kind, meaning, step, about=about) for code, kind, about, meaning, step in rows}


def _tables() -> dict[str, dict[str, Code]]:
    """Each API family numbers its codes for itself, so each has a table of its own."""
    number, text, request = About.NUMBER, About.TEXT, About.REQUEST
    refused, retry, account = CodeClass.REFUSED, CodeClass.RETRY, CodeClass.ACCOUNT
    ours = "A mistake in the request; please report it to the maintainers of smskit."
    key = "Look at SMSKIT_CHUANGLAN_ACCOUNT and _PASSWORD: the API account, not the console login."
    address = "Bind this machine's public address in the console (加白请求IP)."
    money = "Top up the account in the Chuanglan console, then run again."
    words = "Take the blocked word out of the template or the value."
    review = "The text must match an approved template of the account; look in the console."
    ask = "Ask Chuanglan about this account."
    misuse = "Look for misuse in the console; run again tomorrow."
    decoding = "Look at SMSKIT_CHUANGLAN_ENCODE_MSG and _ENCODE_VARIABLE_MSG."
    v1 = _codes(
        ("0", CodeClass.ACCEPTED, number, "提交成功", ""),
        ("101", account, request, "无此用户", key),
        ("102", account, request, "密码错误", key),
        ("103", retry, request, "提交过快", "Lower SMSKIT_CHUANGLAN_REQUESTS_PER_SECOND."),
        ("104", retry, request, "系统忙", ""),
        ("105", refused, text, "敏感短信", words),
        ("106", refused, text, "消息长度错误", "Shorten the text: 536 characters with signature at most."),
        ("107", refused, number, "包含错误的手机号码", ""),
        # About the number of numbers or of groups, so half as many may pass.
        ("108", refused, number, "手机号码个数错误", "Lower SMSKIT_CHUANGLAN_BATCH_SIZE."),
        ("109", account, request, "无发送额度", money),
        # Nothing was taken and everybody would hear the same: stop, the rest waits.
        ("110", account, request, "不在发送时间内", "Run again within the account's sending hours."),
        ("111", account, request, "超出该账户当月发送额度限制", "Raise the quota, or run again next month."),
        ("112", account, request, "无此产品，用户没有订购该产品", ask),
        ("113", refused, request, "扩展码格式错误", "The extension code is 1 to 3 digits."),
        ("114", refused, number, "参数组个数错误", "Lower SMSKIT_CHUANGLAN_BATCH_SIZE."),
        ("115", refused, text, "自动审核驳回", review),
        ("116", refused, text, "签名不合法或未带签名", "Use a signature that is filed for this account."),
        ("117", account, request, "IP地址认证错", address),
        ("118", account, request, "用户没有相应的发送权限", ask),
        ("119", account, request, "用户已过期", ask),
        ("120", account, request, "违反防盗用策略，超过日发送限制", misuse),
        ("121", refused, request, "必填参数needstatus缺失", ours),
        ("122", account, request, "5分钟内相同内容重复提交", "Wait five minutes, then run again."),
        ("123", account, request, "发送类型错误", "Use the account for this kind of message."),
        ("124", refused, text, "白模板匹配错误", review),
        ("125", refused, text, "匹配驳回模板", review),
        ("126", refused, text, "未匹配到审核通过的模板", review),
        ("127", refused, request, "定时发送时间格式错误", ours),
        ("128", refused, text, "内容编码失败", decoding),
        ("129", refused, request, "JSON格式错误", ours),
        ("130", refused, request, "请求参数错误（缺少必填参数）", ours),
    )
    v2 = _codes(
        ("000000", CodeClass.ACCEPTED, number, "提交成功", ""),
        ("101200", account, request, "账号或密码错误", key),
        ("101203", account, request, "IP地址未授权", address),
        ("101206", refused, text, "内容包含违禁词", words),
        ("101207", account, request, "余额不足", money),
    )
    return {"v1": v1, "v2": v2}


TABLES = _tables()
