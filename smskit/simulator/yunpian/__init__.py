"""
Yunpian 云片 SMS v2 as the simulator speaks it.

Facts, limits and open points: the project's Yunpian dossier, sections 2 to 12
and 17. Where the documents say nothing, the choice made is said beside it.
"""

from __future__ import annotations

from smskit.simulator.core import World
from smskit.simulator.wire import Endpoint
from smskit.simulator.yunpian import read, send
from smskit.simulator.yunpian.dialect import PROVIDER, Handler, Yunpian
from smskit.simulator.yunpian.push import receipt_pushes, reply_pushes

__all__ = ["ENVIRONMENT", "PROVIDER", "endpoints", "receipt_pushes", "reply_pushes"]

# What a client needs in its environment to talk to the simulator; {url} is where it runs.
ENVIRONMENT = {
    "SMSKIT_YUNPIAN_BASE_URL": "{url}",
    "SMSKIT_YUNPIAN_API_KEY": "0123456789abcdef0123456789abcdef",
}

_SUBMITTING: dict[str, Handler] = {
    "sms/single_send": send.single_send,
    "sms/batch_send": send.batch_send,
    "sms/multi_send": send.multi_send,
    "sms/tpl_single_send": send.tpl_single_send,
    "sms/tpl_batch_send": send.tpl_batch_send,
}
_OTHER: dict[str, Handler] = {
    "sms/pull_status": read.pull_status,
    "sms/pull_reply": read.pull_reply,
    "sms/get_record": read.get_record,
    "user/get": read.user_get,
    "sign/get": read.sign_get,
    "tpl/get": read.tpl_get,
}


def endpoints(world: World) -> dict[str, Endpoint]:
    """
    Path -> endpoint.

    Fault plans call a method by its last word (``single_send``), or by group
    and word where that is not unique (``sign_get``, ``tpl_get``, ``user_get``).
    """
    dialect = Yunpian(world)
    return {
        f"/v2/{path}.json": Endpoint(
            dialect, path.removeprefix("sms/").replace("/", "_"), handler, submits=path in _SUBMITTING
        )
        for path, handler in (_SUBMITTING | _OTHER).items()
    }
