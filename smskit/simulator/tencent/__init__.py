"""
Tencent 腾讯云短信, API 3.0 (``sms``, version 2021-01-11), as the simulator speaks it.

All actions are ``POST /``; the header ``X-TC-Action`` tells them apart, and
tells them from other providers on that path. Facts, limits and open points:
the project's Tencent dossier; where it says nothing, the choice made is said
beside it.
"""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from smskit.simulator.core import World
from smskit.simulator.tencent import read, send
from smskit.simulator.tencent.dialect import PROVIDER, Fields, Handler, Tencent
from smskit.simulator.tencent.push import receipt_pushes, reply_pushes
from smskit.simulator.wire import Endpoint

__all__ = ["ENVIRONMENT", "PROVIDER", "actions", "claims", "receipt_pushes", "reply_pushes"]

# What a client needs in its environment to talk to the simulator; {url} is where it runs.
ENVIRONMENT = {
    "SMSKIT_TENCENT_BASE_URL": "{url}",
    "SMSKIT_TENCENT_SECRET_ID": "AKIDsimulator00000000000000000000001",
    "SMSKIT_TENCENT_SECRET_KEY": "AKIDsimulator00000000000000000000001",
    "SMSKIT_TENCENT_APP_ID": "1400000001",
}

_ACTIONS: dict[str, tuple[Handler, Fields]] = {
    "SendSms": (send.send_sms, send.SEND_SMS),
    "PullSmsSendStatus": (read.pull_status, read.PULL),
    "PullSmsSendStatusByPhoneNumber": (read.status_by_number, read.BY_NUMBER),
    "PullSmsReplyStatus": (read.pull_replies, read.PULL),
    "SendStatusStatistics": (read.send_statistics, read.STATISTICS),
    "SmsPackagesStatistics": (read.package_statistics, read.STATISTICS),
    "DescribeSmsTemplateList": (read.templates, read.TEMPLATES),
    "DescribeSmsSignList": (read.signatures, read.SIGNATURES),
}

_ACTION = b"x-tc-action"


def claims(scope: Scope) -> bool:
    """Whether a call is Tencent's: nobody else sends its header."""
    return any(name == _ACTION for name, _ in scope["headers"])


class Actions:
    """The one path of this provider: hands a call to the endpoint of its action, as fault plans name it."""

    def __init__(self, world: World) -> None:
        dialect = Tencent(world, {action: fields for action, (_, fields) in _ACTIONS.items()})
        self._endpoints = {
            action.encode(): dialect.endpoint(action, handler, submits=action == "SendSms")
            for action, (handler, _) in _ACTIONS.items()
        }
        self._unknown = Endpoint(world, dialect, "", lambda _: dialect.refuse("InvalidAction"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        action = dict(scope["headers"]).get(_ACTION, b"")
        await self._endpoints.get(action, self._unknown)(scope, receive, send)


def actions(world: World) -> Actions:
    """What answers on this provider's one path."""
    return Actions(world)
