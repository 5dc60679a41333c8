"""
Chuanglan's answer codes, a table for each API family, and the words that come with them.

Source: the project's Chuanglan dossier, sections 3 and 5. The real ``errorMsg``
texts are not documented; clients must decide on the code.
"""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """What stands beside a code."""

    msg: str


def _table(codes: dict[str, str]) -> dict[str, Words]:
    return {code: Words(msg) for code, msg in codes.items()}


FULL_TEXT = _table(
    {
        "0": "",
        "101": "无此用户",
        "102": "密码错",
        "103": "提交过快",
        "104": "系统忙",
        "105": "敏感短信",
        "106": "消息长度错",
        "107": "包含错误的手机号码",
        "108": "手机号码个数错",
        "109": "无发送额度",
        "110": "不在发送时间内",
        "111": "超出该账户当月发送额度限制",
        "112": "无此产品",
        "113": "扩展码格式错",
        "114": "可用参数组个数错误",
        "115": "自动审核驳回",
        "116": "签名不合法，未带签名",
        "117": "IP地址认证错",
        "118": "用户没有相应的发送权限",
        "119": "用户已过期",
        "120": "违反防盗用策略",
        "121": "必填参数缺失",
        "122": "5分钟内相同内容提交过多",
        "123": "发送类型错误",
        "124": "白模板匹配错误",
        "125": "匹配驳回模板",
        "126": "未匹配到审核通过的模板",
        "127": "定时发送时间格式错误",
        "128": "内容编码失败",
        "129": "JSON格式错误",
        "130": "请求参数错误",
    }
)

# Of the template API only these codes are known. Whatever else is wrong needs a code too; the last one is the
# simulator's own, and like any unknown code it must be taken for an unknown outcome.
UNDOCUMENTED = "101999"
TEMPLATE = _table(
    {
        "000000": "",
        "101200": "账号或密码错误",
        "101203": "IP地址不允许",
        "101206": "内容包含违禁词",
        "101207": "余额不足",
        UNDOCUMENTED: "请求参数错误",
    }
)

# Numbers of three and of six digits never meet, so one list can show both.
CODES = FULL_TEXT | TEMPLATE

STATUSES = {
    "DELIVRD": "短信发送成功",
    "UNKNOWN": "未知短信状态",
    "REJECTD": "短信被短信中心拒绝",
    "REJECT": "审核驳回",
    "MBBLACK": "目的号码是黑名单号码",
    "MK:0001": "空号",
}


class Refusal(Exception):
    """Chuanglan says no to a call."""

    def __init__(self, code: str, msg: str = "") -> None:
        super().__init__(code, msg)
        self.code = code
        self.msg = msg or (CODES[code].msg if code in CODES else f"错误{code}")
