"""Yunpian's account methods: ``user/get`` and ``user/set``. Source: dossier section 7.8."""

from __future__ import annotations

from smskit.simulator.wire import Answer
from smskit.simulator.yunpian.codes import Refusal
from smskit.simulator.yunpian.dialect import Call, answer, phone_in

_PROFILE = {
    "nick": "模拟账户",
    "gmt_created": "2025-03-01 09:00:00",
    "mobile": "13800000000",
    "email": "simulator@example.com",
    "alarm_balance": 50,
    "emergency_contact": "张三",
    "emergency_mobile": "13800000000",
}


def user_get(call: Call) -> Answer:
    """Answer who the account is and what it has left."""
    profile = _PROFILE | call.account.profile
    return answer(
        {
            "nick": profile["nick"],
            "gmt_created": profile["gmt_created"],
            "mobile": profile["mobile"],
            "email": profile["email"],
            "ip_whitelist": ",".join(call.account.settings.allowed_ips) or None,
            "api_version": "v2",
            "balance": float(call.account.balance),
            "alarm_balance": profile["alarm_balance"],
            "emergency_contact": profile["emergency_contact"],
            "emergency_mobile": profile["emergency_mobile"],
        }
    )


def user_set(call: Call) -> Answer:
    """Change what is given, answer the account."""
    changes: dict[str, object] = {}
    if contact := call.optional("emergency_contact"):
        changes["emergency_contact"] = contact
    if mobile := call.optional("emergency_mobile"):
        if phone_in(mobile) is None:
            raise Refusal(24, f"参数 emergency_mobile 格式不正确，emergency_mobile:{mobile}")
        changes["emergency_mobile"] = mobile
    if alarm := call.optional("alarm_balance"):
        if not alarm.isdigit():
            raise Refusal(24, f"参数 alarm_balance 格式不正确，alarm_balance:{alarm}")
        changes["alarm_balance"] = int(alarm)
    call.account.profile.update(changes)
    return user_get(call)
