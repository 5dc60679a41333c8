"""
Chuanglan 创蓝 as the simulator speaks it: the full-text JSON API and the template API.

Facts, limits and open points: the project's Chuanglan dossier, sections 1 to 3
and 10. An account's name is its credential, its password the setting
``secret``; without one the password is not checked. Switches that only
Chuanglan has are entries of the setting ``profile``:

* ``bad_numbers``: ``refuse`` the whole call (107), or ``drop`` and count them in ``failNum``;
* ``decode_msg`` (true), ``decode_variable`` (false): whether ``msg`` is url-decoded;
* ``check_time`` (true): whether a signed call must be of now;
* ``expired`` (false): code 119; ``receiver``, ``pswd``: what pushes show.

In ``number_codes`` a number stands for a submit code, anything else for the
status its report will have, and "" for no report at all.
"""

from __future__ import annotations

from smskit.simulator.chuanglan import read, send
from smskit.simulator.chuanglan.dialect import PROVIDER, ByTemplate, Chuanglan, Pulling
from smskit.simulator.chuanglan.read import PUSHES
from smskit.simulator.core import World
from smskit.simulator.wire import Endpoint

__all__ = ["ENVIRONMENT", "PROVIDER", "PUSHES", "endpoints"]

# What a client needs in its environment to talk to the simulator; {url} is where it runs.
ENVIRONMENT = {
    "SMSKIT_CHUANGLAN_BASE_URL": "{url}",
    "SMSKIT_CHUANGLAN_ACCOUNT": "N0000001",
    "SMSKIT_CHUANGLAN_PASSWORD": "FakePass123",
}

# Path -> its method, called so by fault plans too, and the shape of its answers.
_METHODS = {
    "/msg/v1/send/json": (send.send, Chuanglan),
    "/msg/variable/json": (send.variable, Chuanglan),
    "/msg/sms/v2/tpl/send": (send.tpl_send, ByTemplate),
    "/msg/balance/json": (read.balance, Chuanglan),
    "/msg/pull/report": (read.pull_report, Pulling),
    "/msg/pull/mo": (read.pull_mo, Pulling),
}


def endpoints(world: World) -> dict[str, Endpoint]:
    """Path -> endpoint."""
    sending = (send.send, send.variable, send.tpl_send)
    return {
        path: Endpoint(dialect(world), method.__name__, method, submits=method in sending)
        for path, (method, dialect) in _METHODS.items()
    }
