"""
What Yunpian's codes mean for a message.

Source: yunpian.com/official/document, returnvalue_common and returnvalue_example; read 2026-11.
"""

from __future__ import annotations

from smskit.models import About, Code, CodeClass


def _table() -> dict[str, Code]:
    number, text, request = About.NUMBER, About.TEXT, About.REQUEST
    refused, later, retry = CodeClass.REFUSED, CodeClass.LATER, CodeClass.RETRY
    account, unknown = CodeClass.ACCOUNT, CodeClass.UNKNOWN
    ours = "A mistake in the request; please report it to the maintainers of smskit."
    rows: list[tuple[int, CodeClass, About, str, str, float | None]] = [
        (0, CodeClass.ACCEPTED, number, "发送成功", "", None),
        (1, refused, request, "请求参数缺失", ours, None),
        (
            2,
            refused,
            number,
            "请求参数格式错误",
            "Look at the number, and that the text starts with 【签名】.",
            None,
        ),
        (
            3,
            account,
            request,
            "账户余额不足",
            "Top up the account in the Yunpian console, then run again.",
            None,
        ),
        (4, refused, text, "关键词屏蔽", "Take the blocked word out of the template or the value.", None),
        (
            5,
            refused,
            text,
            "未找到匹配的模板",
            "The text must match an approved template word for word.",
            None,
        ),
        (6, refused, request, "添加模板失败", ours, None),
        (
            7,
            refused,
            text,
            "模板不可用",
            "The template is in review or was rejected; look in the console.",
            None,
        ),
        (8, later, number, "同一手机号30秒内重复提交相同的内容", "", 30.0),
        (9, later, number, "同一手机号5分钟内重复提交相同的内容超过3次", "", 300.0),
        (
            10,
            refused,
            number,
            "手机号防骚扰名单过滤",
            "This person is on Yunpian's do-not-disturb list.",
            None,
        ),
        # 11 meant "no GET" in old lists; a client that only POSTs can meet only the newer meaning.
        (11, refused, number, "用户号码防骚扰", "", None),
        (12, refused, request, "接口不支持POST方式调用", ours, None),
        (
            13,
            account,
            text,
            "营销短信暂停发送",
            "Carriers hold marketing messages now; run again hours later.",
            None,
        ),
        (14, refused, request, "解码失败", ours, None),
        (15, refused, text, "签名不匹配", "Use a signature that is approved for this account.", None),
        (16, refused, text, "签名格式不正确", "Only one 【】 may be in the text, at its front.", None),
        (17, later, number, "24小时内同一手机号发送次数超过限制", "", 86400.0),
        (18, refused, text, "签名校验失败", "Look at the signature in the console.", None),
        (19, refused, request, "请求已失效", ours, None),
        (20, refused, number, "不支持的国家地区", "", None),
        (21, refused, request, "解密失败", ours, None),
        (22, later, number, "1小时内同一手机号发送次数超过限制", "", 3600.0),
        (23, refused, number, "号码归属地不在模板可发送的地区内", "", None),
        (24, refused, request, "添加告警设置失败", ours, None),
        (25, refused, request, "手机号和内容个数不匹配", ours, None),
        (26, refused, request, "流量包错误", ours, None),
        (27, account, request, "未开通金额计费", "Ask Yunpian to switch on billing by money.", None),
        (28, later, number, "运营商错误", "", 5.0),
        (33, later, number, "超过频率", "", 30.0),
        (34, refused, request, "签名创建失败", ours, None),
        (
            40,
            account,
            request,
            "未开启白名单",
            "Switch on the IP allow-list in the console (系统设置).",
            None,
        ),
        (43, later, number, "一天内同一手机号发送次数超过限制", "", 86400.0),
        (48, refused, text, "参数长度超过限制", "Shorten the text.", None),
        (52, refused, text, "关键词屏蔽", "Take the blocked word out of the template or the value.", None),
        # The window behind 53 is not documented; an hour is the safe reading.
        (53, later, number, "手机号接收超过频率限制", "", 3600.0),
        (55, account, request, "服务已下线", "Ask Yunpian; this service is not offered any more.", None),
        (56, refused, number, "手机号码格式不正确", "", None),
        (58, refused, text, "短信内容变量参数格式错误", "A value does not fit its variable's kind.", None),
        (60, refused, text, "模版已失效，请重新提交模版", "Submit the template again in the console.", None),
        (-1, account, request, "非法的apikey", "Look at SMSKIT_YUNPIAN_API_KEY (console: 账户设置).", None),
        (-2, account, request, "API没有权限", "Ask Yunpian to open this API for the account.", None),
        (-3, account, request, "IP没有权限", "Add this machine's address in 系统设置 → IP白名单设置.", None),
        (-4, retry, request, "访问次数超限", "", 60.0),
        (-5, retry, request, "访问频率超限", "", 2.0),
        (-6, refused, request, "不支持批量发送", "Batch sending is not open for this account.", None),
        (-7, refused, request, "HTTP请求错误", ours, None),
        (-8, refused, request, "不支持流量业务", ours, None),
        (-11, account, request, "用户未开启该功能", "Switch the function on in the Yunpian console.", None),
        # Said by Yunpian of itself, without a word on whether the message was taken.
        (-50, unknown, request, "未知异常", "", None),
        (-51, retry, request, "系统繁忙", "", 2.0),
        (-52, refused, request, "充值失败", ours, None),
        (-53, unknown, request, "提交短信失败", "", None),
        (-54, refused, request, "记录已存在", ours, None),
        (-55, refused, request, "记录不存在", ours, None),
        (-56, refused, request, "赠送失败", ours, None),
        (-57, account, text, "无可用签名", "Have a signature approved in the console first.", None),
        (-62, account, request, "无效资质信息", "Complete the company's papers in the console.", None),
    ]
    return {str(c): Code(kind, meaning, step, after, about) for c, kind, about, meaning, step, after in rows}


CODES = _table()
