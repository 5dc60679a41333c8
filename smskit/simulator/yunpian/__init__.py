"""
Yunpian 云片 SMS v2 as the simulator speaks it.

Facts, limits and open points: the project's Yunpian dossier, sections 2 to 12
and 17. Where the documents say nothing, the choice made is said beside it.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.routing import Route

from smskit.simulator.core import World
from smskit.simulator.wire import Answer, Endpoint, Request
from smskit.simulator.yunpian.account import user_get, user_set
from smskit.simulator.yunpian.codes import CODES
from smskit.simulator.yunpian.dialect import Handler, Yunpian
from smskit.simulator.yunpian.push import receipt_pushes, reply_pushes
from smskit.simulator.yunpian.read import (
    count,
    get_black_word,
    get_record,
    get_reply,
    get_total_fee,
    pull_reply,
    pull_status,
)
from smskit.simulator.yunpian.register import (
    reg_complete,
    shorten,
    sign_add,
    sign_get,
    sign_update,
    stat,
    tpl_add,
    tpl_del,
    tpl_get,
    tpl_get_default,
    tpl_update,
)
from smskit.simulator.yunpian.send import batch_send, multi_send, single_send, tpl_batch_send, tpl_single_send

__all__ = ["CODES", "ENVIRONMENT", "PROVIDER", "receipt_pushes", "reply_pushes", "routes"]

PROVIDER = "yunpian"

# What a client needs in its environment to talk to the simulator; {url} is where it runs.
ENVIRONMENT = {
    "SMSKIT_YUNPIAN_BASE_URL": "{url}",
    "SMSKIT_YUNPIAN_API_KEY": "0123456789abcdef0123456789abcdef",
}

_SUBMITTING: dict[str, Handler] = {
    "sms/single_send": single_send,
    "sms/batch_send": batch_send,
    "sms/multi_send": multi_send,
    "sms/tpl_single_send": tpl_single_send,
    "sms/tpl_batch_send": tpl_batch_send,
}
_OTHER: dict[str, Handler] = {
    "sms/pull_status": pull_status,
    "sms/pull_reply": pull_reply,
    "sms/get_record": get_record,
    "sms/get_reply": get_reply,
    "sms/get_black_word": get_black_word,
    "sms/get_total_fee": get_total_fee,
    "sms/reg_complete": reg_complete,
    "sms/count": count,
    "user/get": user_get,
    "user/set": user_set,
    "sign/add": sign_add,
    "sign/get": sign_get,
    "sign/update": sign_update,
    "tpl/add": tpl_add,
    "tpl/get": tpl_get,
    "tpl/get_default": tpl_get_default,
    "tpl/update": tpl_update,
    "tpl/del": tpl_del,
    "short_url/shorten": shorten,
    "short_url/stat": stat,
}


def routes(world: World) -> list[Route]:
    """
    Return one route per method.

    Fault plans call a method by its last word (``single_send``), or by group
    and word where that is not unique (``sign_add``, ``tpl_add``, ``user_get``).
    """
    yunpian = Yunpian(world)
    found = []
    for submits, methods in ((True, _SUBMITTING), (False, _OTHER)):
        for path, handler in methods.items():
            group, _, method = path.partition("/")
            name = method if group in ("sms", "short_url") else f"{group}_{method}"
            endpoint = Endpoint(world, yunpian, name, _bound(yunpian, name, handler), submits=submits)
            found.append(Route(f"/v2/{path}.json", endpoint))
    return found


def _bound(yunpian: Yunpian, name: str, handler: Handler) -> Callable[[Request], Answer]:
    def handle(request: Request) -> Answer:
        return yunpian.answer(request, name, handler)

    return handle
