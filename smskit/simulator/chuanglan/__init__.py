"""
Chuanglan 创蓝 as the simulator speaks it: the full-text JSON API and the template API.

Facts, limits and open points: the project's Chuanglan dossier, sections 1 to 3
and 10. An account's name is its credential, its password the setting
``secret``; without one the password is not checked. Switches that only
Chuanglan has are entries of the setting ``profile``:

* ``bad_numbers``: ``refuse`` the whole call (107), or ``drop`` and count them in ``failNum``;
* ``decode_msg`` (true), ``decode_variable`` (false): whether ``msg`` is url-decoded;
* ``check_time``, ``check_nonce`` (true): what a signed call must pass;
* ``expired`` (false): code 119; ``receiver``, ``pswd``: what pushes show.

In ``number_codes`` a number stands for a submit code, anything else for the
status its report will have, and "" for no report at all.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.routing import Route

from smskit.simulator.chuanglan.codes import CODES
from smskit.simulator.chuanglan.dialect import Door, Handler, PullDoor, TemplateDoor
from smskit.simulator.chuanglan.push import receipt_pushes, reply_pushes
from smskit.simulator.chuanglan.read import balance, pull_mo, pull_report
from smskit.simulator.chuanglan.send import old_send, send, tpl_send, variable
from smskit.simulator.core import World
from smskit.simulator.wire import Answer, Endpoint, Request

__all__ = ["CODES", "ENVIRONMENT", "PROVIDER", "receipt_pushes", "reply_pushes", "routes"]

PROVIDER = "chuanglan"

# What a client needs in its environment to talk to the simulator; {url} is where it runs.
ENVIRONMENT = {
    "SMSKIT_CHUANGLAN_BASE_URL": "{url}",
    "SMSKIT_CHUANGLAN_ACCOUNT": "N0000001",
    "SMSKIT_CHUANGLAN_PASSWORD": "FakePass123",
}

# path -> how fault plans call it, its handler, the shape of its answers, whether it submits
_METHODS: dict[str, tuple[str, Handler, type[Door], bool]] = {
    "/msg/v1/send/json": ("send", send, Door, True),
    "/msg/send/json": ("old_send", old_send, Door, True),
    "/msg/variable/json": ("variable", variable, Door, True),
    "/msg/sms/v2/tpl/send": ("tpl_send", tpl_send, TemplateDoor, True),
    "/msg/balance/json": ("balance", balance, Door, False),
    "/msg/pull/report": ("pull_report", pull_report, PullDoor, False),
    "/msg/pull/mo": ("pull_mo", pull_mo, PullDoor, False),
}


def routes(world: World) -> list[Route]:
    """Return one route per method."""
    found = []
    for path, (name, handler, kind, submits) in _METHODS.items():
        door = kind(world)
        endpoint = Endpoint(world, door, name, _bound(door, name, handler), submits=submits)
        found.append(Route(path, endpoint))
    return found


def _bound(door: Door, name: str, handler: Handler) -> Callable[[Request], Answer]:
    def handle(request: Request) -> Answer:
        return door.answer(request, name, handler)

    return handle
