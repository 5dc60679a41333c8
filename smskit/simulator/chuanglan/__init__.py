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
from smskit.simulator.chuanglan.dialect import PROVIDER, ByTemplate, Chuanglan, Handler, Pulling
from smskit.simulator.chuanglan.push import receipt_pushes, reply_pushes
from smskit.simulator.core import World
from smskit.simulator.wire import Endpoint

__all__ = ["ENVIRONMENT", "PROVIDER", "endpoints", "receipt_pushes", "reply_pushes"]

# What a client needs in its environment to talk to the simulator; {url} is where it runs.
ENVIRONMENT = {
    "SMSKIT_CHUANGLAN_BASE_URL": "{url}",
    "SMSKIT_CHUANGLAN_ACCOUNT": "N0000001",
    "SMSKIT_CHUANGLAN_PASSWORD": "FakePass123",
}

# path -> how fault plans call it, its handler, the shape of its answers, whether it submits
_METHODS: dict[str, tuple[str, Handler, type[Chuanglan], bool]] = {
    "/msg/v1/send/json": ("send", send.send, Chuanglan, True),
    "/msg/variable/json": ("variable", send.variable, Chuanglan, True),
    "/msg/sms/v2/tpl/send": ("tpl_send", send.tpl_send, ByTemplate, True),
    "/msg/balance/json": ("balance", read.balance, Chuanglan, False),
    "/msg/pull/report": ("pull_report", read.pull_report, Pulling, False),
    "/msg/pull/mo": ("pull_mo", read.pull_mo, Pulling, False),
}


def endpoints(world: World) -> dict[str, Endpoint]:
    """Path -> endpoint."""
    return {
        path: Endpoint(dialect(world), name, handler, submits=submits)
        for path, (name, handler, dialect, submits) in _METHODS.items()
    }
