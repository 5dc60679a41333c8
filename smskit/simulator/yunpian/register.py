"""
Yunpian's signatures, templates and short links.

Source: dossier sections 5, 6 and 7.9. What is submitted is approved after the
account's ``review_s``, which is at once unless a test says otherwise.
"""

from __future__ import annotations

import hashlib
import re

from smskit.simulator.accounts import Review, Signature, Template
from smskit.simulator.wire import Answer
from smskit.simulator.yunpian.codes import Refusal
from smskit.simulator.yunpian.dialect import Call, answer, malformed, phone_in, show_time
from smskit.simulator.yunpian.templates import DEFAULT_TEMPLATES

_FIRST_TPL_ID = 1_000_001
_SIGN_LENGTH = range(2, 21)  # the current page; older ones say 3 to 8
_OTHER_INDUSTRY = "其它"
_INDUSTRIES = frozenset(
    {
        "游戏",
        "移动应用",
        "视频",
        "IT/通信/电子服务",
        "电子商务",
        "金融",
        "网站",
        "商业服务",
        "房地产/建筑",
        "零售/租赁/贸易",
        "生产/加工/制造",
        "交通/物流",
        "文化传媒",
        "能源/电气",
        "政府企业",
        "农业",
        "物联网",
    }
)
_STATUS = {
    Review.PENDING: "CHECKING",
    Review.APPROVED: "SUCCESS",
    Review.REJECTED: "FAIL",
    Review.EXPIRED: "FAIL",
}
_KIND_OF_FLAG = {"": "notification", "0": "notification", "1": "verification"}
_LINK_DOMAIN = "http://yp2.cn/"


# -- signatures -----------------------------------------------------------------------------------


def sign_add(call: Call) -> Answer:
    """Submit a signature for review."""
    name = _sign_name(call.need("sign"))
    signs = _signs(call)
    if name in signs:
        raise Refusal(-54, f"签名 【{name}】 已存在")
    signs[name] = _signature(call, name)
    return answer({"code": 0, "msg": "ok", "sign": _submitted(signs[name])})


def sign_get(call: Call) -> Answer:
    """Answer the account's signatures; ``sign`` filters, exactly when it is in brackets."""
    wanted = call.optional("sign")
    exact = wanted.startswith("【") and wanted.endswith("】")
    bare = wanted.strip("【】")
    found = [
        s for s in (call.account.signatures or {}).values() if (s.name == bare if exact else bare in s.name)
    ]
    if call.account.signatures is None and exact:
        # An open account: every signature counts as approved, so asking for one shows it.
        found = [Signature(name=bare)]
    page, size = call.optional("page_num"), call.optional("page_size")
    shown = found
    # Paging that is absent or malformed answers everything (5.3).
    if page.isdigit() and size.isdigit() and int(page) and int(size):
        shown = found[(int(page) - 1) * int(size) : int(page) * int(size)]
    return answer({"code": 0, "total": len(found), "sign": [_listed(s) for s in shown]})


def sign_update(call: Call) -> Answer:
    """Change a signature that is not approved yet; what is left out falls back to its default."""
    old = call.need("old_sign").strip("【】")
    signs = _signs(call)
    if old not in signs:
        raise Refusal(-55, f"签名 【{old}】 不存在")
    if signs[old].state is Review.APPROVED:
        raise Refusal(34, "仅审核中或者审核失败的签名可以修改")
    name = _sign_name(call.optional("sign") or old)
    if name != old and name in signs:
        raise Refusal(-54, f"签名 【{name}】 已存在")
    del signs[old]
    signs[name] = _signature(call, name)
    return answer({"code": 0, "msg": "ok", "sign": _submitted(signs[name])})


def _signs(call: Call) -> dict[str, Signature]:
    if call.account.signatures is None:
        call.account.signatures = {}
    return call.account.signatures


def _sign_name(given: str) -> str:
    name = given[1:-1] if given.startswith("【") and given.endswith("】") else given
    if len(name) not in _SIGN_LENGTH or re.search("[【】]", name) or name == "云片网":
        raise malformed("sign", given)
    return name


def _signature(call: Call, name: str) -> Signature:
    call.flag("notify", default=True)
    only_global = call.flag("is_only_global", default=False)
    vip = call.flag("apply_vip", default=False) and not only_global
    industry = call.optional("industry_type")
    extra = {
        "vip": vip,
        "only_global": only_global,
        "industry_type": industry if industry in _INDUSTRIES else _OTHER_INDUSTRY,
    }
    return Signature(name=name, state=Review.PENDING, at=call.world.clock(), extra=extra)


def _submitted(signature: Signature) -> dict[str, object]:
    """Return a signature as ``add`` and ``update`` name its fields."""
    return {
        "apply_state": _STATUS[signature.state],
        "sign": f"【{signature.name}】",
        "is_apply_vip": signature.extra.get("vip", False),
        "is_only_global": signature.extra.get("only_global", False),
        "industry_type": signature.extra.get("industry_type", _OTHER_INDUSTRY),
    }


def _listed(signature: Signature) -> dict[str, object]:
    """Return a signature as ``get`` names its fields."""
    approved = signature.state is Review.APPROVED
    return {
        "chan": "NORMAL" if approved else "NONE",
        "check_status": _STATUS[signature.state],
        "enabled": approved,
        "extend": "1001",
        "industry_type": signature.extra.get("industry_type", _OTHER_INDUSTRY),
        "only_global": signature.extra.get("only_global", False),
        "remark": signature.remark,
        "sign": f"【{signature.name}】",
        "vip": signature.extra.get("vip", False),
    }


# -- templates ------------------------------------------------------------------------------------


def tpl_add(call: Call) -> Answer:
    """Submit a template for review; content that does not begin with a signature fails it at once."""
    content = call.need("tpl_content")
    if call.account.templates is None:
        call.account.templates = {}
    templates = call.account.templates
    ids = [int(known) for known in templates if known.isdigit()]
    tpl_id = str(max([_FIRST_TPL_ID - 1, *ids]) + 1)
    templates[tpl_id] = _template(call, tpl_id, content)
    return answer(_shown(templates[tpl_id]))


def tpl_get(call: Call) -> Answer:
    """Answer one template when its id is given, else the list of all."""
    if not call.optional("tpl_id"):
        return answer([_shown(t) for t in (call.account.templates or {}).values()])
    return answer(_shown(_own(call)))


def tpl_get_default(call: Call) -> Answer:
    """Answer the templates everybody has, as a list."""
    wanted = call.optional("tpl_id")
    return answer([_shown(t) for t in DEFAULT_TEMPLATES if wanted in ("", t.id)])


def tpl_update(call: Call) -> Answer:
    """Change a template, which sends it back to review."""
    content = call.need("tpl_content")
    template = _own(call)
    changed = _template(call, template.id, content)
    (call.account.templates or {})[template.id] = changed
    call.account.memo.clear()
    return answer({"template": _shown(changed)})


def tpl_del(call: Call) -> Answer:
    """Delete a template, answer what it was."""
    template = _own(call)
    del (call.account.templates or {})[template.id]
    call.account.memo.clear()
    return answer(_shown(template))


def _own(call: Call) -> Template:
    tpl_id = call.need("tpl_id")
    if not tpl_id.isdigit():
        raise malformed("tpl_id", tpl_id)
    template = (call.account.templates or {}).get(tpl_id)
    if template is None:
        raise Refusal(5, f"未找到对应id的模板，tpl_id:{tpl_id}")
    return template


def _template(call: Call, tpl_id: str, content: str) -> Template:
    # The flag is spelled one way in the domestic pages and another in the international ones.
    flag = call.optional("tplType") or call.optional("tpl_type")
    if flag not in _KIND_OF_FLAG:
        raise malformed("tplType", flag)
    call.number("notify_type", default=0, low=0, high=3)
    region = call.optional("region")
    if region not in ("", "abroad", "global"):
        raise malformed("region", region)
    signed = re.match("【[^【】]+】", content) is not None
    return Template.model_validate(
        {
            "id": tpl_id,
            "content": content,
            "state": Review.PENDING if signed else Review.REJECTED,
            "kind": _KIND_OF_FLAG[flag],
            "region": region or "domestic",
            "remark": "" if signed else "模板开头必须带签名【】",
            "at": call.world.clock(),
            "extra": {"lang": call.optional("lang") or None},
        }
    )


def _shown(template: Template) -> dict[str, object]:
    return {
        "tpl_id": int(template.id) if template.id.isdigit() else template.id,
        "tpl_content": template.content,
        "check_status": _STATUS[template.state],
        "reason": template.remark or None,
        "lang": template.extra.get("lang"),
        "country_code": None,
    }


# -- short links and the rest ---------------------------------------------------------------------


def shorten(call: Call) -> Answer:
    """Make a short link; one a second."""
    long_url = call.need("long_url")
    if not long_url.startswith(("http://", "https://")):
        raise malformed("long_url", long_url)
    days = call.number("stat_duration", default=30, low=0, high=30)
    now = call.world.clock()
    if now - call.account.memo.get("shortened_at", float("-inf")) < 1.0:
        raise Refusal(-5)
    call.account.memo["shortened_at"] = now
    sid = hashlib.sha256(long_url.encode()).hexdigest()[:6]
    call.account.memo.setdefault("links", set()).add(sid)
    link = {
        "sid": sid,
        "long_url": long_url,
        "short_url": _LINK_DOMAIN + sid,
        "enter_url": _LINK_DOMAIN + sid,
        "name": call.optional("name"),
        "stat_expire": show_time(now + days * 86_400),
    }
    return answer({"code": 0, "msg": "ok", "short_url": link})


def stat(call: Call) -> Answer:
    """Answer the clicks of a short link by ten minutes; nobody clicks here."""
    sid = call.need("sid")
    now = call.world.clock()
    call.time("start_time", now - 3600)
    call.time("end_time", now)
    if sid not in call.account.memo.get("links", ()):
        raise Refusal(-55, f"短链接 {sid} 不存在")
    return answer({"code": 0, "msg": "ok", "stat": {}})


def reg_complete(call: Call) -> Answer:
    """Take note that a registration succeeded."""
    mobile = call.need("mobile")
    if phone_in(mobile) is None:
        raise malformed("mobile", mobile)
    return answer({"code": 0, "msg": "ok"})
