"""
Yunpian 云片 SMS v2 as the simulator speaks it.

Facts, limits and open points: the project's Yunpian dossier, sections 2 to 12
and 17. Where the documents say nothing, the choice made is said beside it.
"""

from __future__ import annotations

from smskit.simulator.core import World
from smskit.simulator.wire import Endpoint
from smskit.simulator.yunpian import read, send
from smskit.simulator.yunpian.dialect import PROVIDER, Yunpian
from smskit.simulator.yunpian.read import PUSHES

__all__ = ["ENVIRONMENT", "PROVIDER", "PUSHES", "endpoints"]

# What a client needs in its environment to talk to the simulator; {url} is where it runs.
ENVIRONMENT = {
    "SMSKIT_YUNPIAN_BASE_URL": "{url}",
    "SMSKIT_YUNPIAN_API_KEY": "0123456789abcdef0123456789abcdef",
}

_SENDING = (send.single_send, send.batch_send, send.multi_send, send.tpl_single_send, send.tpl_batch_send)
_SMS = (*_SENDING, read.pull_status, read.pull_reply, read.get_record)
_OTHER = (read.user_get, read.sign_get, read.tpl_get)


def endpoints(world: World) -> dict[str, Endpoint]:
    """Path -> endpoint; fault plans call it as its function is called here."""
    dialect = Yunpian(world)
    paths = {f"sms/{method.__name__}": method for method in _SMS}
    paths |= {method.__name__.replace("_", "/"): method for method in _OTHER}
    return {
        f"/v2/{path}.json": Endpoint(dialect, method.__name__, method, submits=method in _SENDING)
        for path, method in paths.items()
    }
