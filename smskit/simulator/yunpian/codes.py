"""
Yunpian's return codes and the words that come with them.

Source: the project's Yunpian dossier, sections 3.2 and 9 (assembled from the
official SDKs, code lists and live answers; read 2025). Clients must match on
the code: the live wording differs from the lists.
"""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """The generic message of a code, and the detail to use where nothing more specific is known."""

    msg: str
    detail: str = ""


CODES: dict[int, Words] = {
    0: Words("发送成功"),
    1: Words("请求参数缺失", "必须传入的参数缺失"),
    2: Words("请求参数格式错误", "参数格式不正确"),
    3: Words("账户余额不足", "请充值后重试"),
    4: Words("关键词屏蔽", "内容中有屏蔽词，不允许发送"),
    5: Words("未找到匹配的模板", "未自动匹配到合适的模板"),
    6: Words("添加模板失败"),
    7: Words("模板不可用", "模板审核中或审核未通过"),
    8: Words("同一手机号30秒内重复提交相同的内容"),
    9: Words("同一手机号5分钟内重复提交相同的内容超过3次"),
    10: Words("手机号防骚扰名单过滤"),
    11: Words("用户号码防骚扰"),
    12: Words("接口不支持POST方式调用"),
    13: Words("营销短信暂停发送"),
    14: Words("解码失败"),
    15: Words("签名不匹配"),
    16: Words("签名格式不正确"),
    17: Words("24小时内同一手机号发送次数超过限制"),
    18: Words("签名校验失败"),
    19: Words("请求已失效"),
    20: Words("暂不支持的国家地区", "请确认号码归属地"),
    21: Words("解密失败"),
    22: Words("验证码类短信1小时内同一手机号发送次数不能超过3次"),
    23: Words("号码归属地不在模板可发送的地区内", "请提交模板可发送国家列表内的号码"),
    24: Words("添加告警设置失败"),
    25: Words("手机号和内容个数不匹配"),
    26: Words("流量包错误"),
    27: Words("未开通金额计费"),
    28: Words("运营商错误"),
    33: Words("超过频率", "同一手机号30秒内只能发送一次相同模板的验证码"),
    34: Words("签名创建失败"),
    40: Words("未开启白名单"),
    43: Words("一天内同一手机号发送次数超过限制"),
    48: Words("参数长度超过限制"),
    52: Words("关键词屏蔽"),
    53: Words("手机号接收超过频率限制"),
    55: Words("服务已下线"),
    56: Words("手机号码格式不正确"),
    58: Words("短信内容变量参数格式错误"),
    60: Words("模版已失效，请重新提交模版"),
    -1: Words("非法的apikey", "请检查您的apikey是否正确，或者账户已经失效"),
    -2: Words("API没有权限"),
    -3: Words("IP没有权限"),
    -4: Words("访问次数超限"),
    -5: Words("访问频率超限"),
    -6: Words("不支持批量发送"),
    -7: Words("HTTP请求错误"),
    -8: Words("不支持流量业务"),
    -11: Words("用户未开启该功能"),
    -50: Words("未知异常"),
    -51: Words("系统繁忙"),
    -52: Words("充值失败"),
    -53: Words("提交短信失败"),
    -54: Words("记录已存在"),
    -55: Words("记录不存在"),
    -56: Words("赠送失败"),
    -57: Words("无可用签名"),
    -62: Words("无效资质信息"),
}


class Refusal(Exception):
    """
    Yunpian says no to a call, or to one number of it.

    Args:
        code: A key of `CODES`, or one nobody has documented.
        detail: The specific cause; "" takes the code's usual one.
        status: HTTP status, 400 for every documented failure.
    """

    def __init__(self, code: int, detail: str = "", *, status: int = 400) -> None:
        super().__init__(code, detail)
        self.code = code
        self.words = CODES.get(code, Words(f"错误{code}"))
        self.detail = detail or self.words.detail or self.words.msg
        self.status = status

    def body(self) -> dict[str, object]:
        """Return the error object of a refused call."""
        return {
            "http_status_code": self.status,
            "code": self.code,
            "msg": self.words.msg,
            "detail": self.detail,
        }

    def item(self, mobile: str) -> dict[str, object]:
        """Return the entry in ``data`` of a number refused within a batch."""
        return {"code": self.code, "mobile": mobile, "msg": self.words.msg, "detail": self.detail}
