"""
Tencent 腾讯云短信, API 3.0 (``sms``, version 2021-01-11), as the simulator speaks it.

All actions are ``POST /``; the header ``X-TC-Action`` tells them apart, and
tells them from other providers on that path. Facts, limits and open points:
the project's Tencent dossier; where it says nothing, the choice made is said
beside it.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.routing import Route

from smskit.simulator.core import World
from smskit.simulator.tencent import read, send
from smskit.simulator.tencent.codes import CODES
from smskit.simulator.tencent.dialect import Fields, Handler, Tencent
from smskit.simulator.tencent.push import receipt_pushes, reply_pushes
from smskit.simulator.wire import Answer, Endpoint, Receive, Request, Scope, Send

__all__ = ["CODES", "ENVIRONMENT", "PROVIDER", "claims", "receipt_pushes", "reply_pushes", "routes"]

PROVIDER = "tencent"

# What a client needs in its environment to talk to the simulator; {url} is where it runs.
ENVIRONMENT = {
    "SMSKIT_TENCENT_BASE_URL": "{url}",
    "SMSKIT_TENCENT_SECRET_ID": "AKIDsimulator00000000000000000000001",
    "SMSKIT_TENCENT_SECRET_KEY": "AKIDsimulator00000000000000000000001",
    "SMSKIT_TENCENT_APP_ID": "1400000001",
}

_SUBMITTING: dict[str, tuple[Handler, Fields]] = {
    "SendSms": (send.send_sms, send.SEND_SMS),
    "SendMultiGlobalSms": (send.send_multi_global_sms, send.SEND_MULTI_GLOBAL_SMS),
}
_OTHER: dict[str, tuple[Handler, Fields]] = {
    "PullSmsSendStatus": (read.pull_status, read.PULL),
    "PullSmsSendStatusByPhoneNumber": (read.status_by_number, read.BY_NUMBER),
    "PullSmsReplyStatus": (read.pull_replies, read.PULL),
    "PullSmsReplyStatusByPhoneNumber": (read.replies_by_number, read.BY_NUMBER),
    "SendStatusStatistics": (read.send_statistics, read.STATISTICS),
    "CallbackStatusStatistics": (read.callback_statistics, read.STATISTICS),
    "SmsPackagesStatistics": (read.package_statistics, read.STATISTICS),
    "DescribeSmsTemplateList": (read.templates, read.TEMPLATES),
    "DescribeSmsSignList": (read.signatures, read.SIGNATURES),
    "DescribePhoneNumberInfo": (read.number_info, read.NUMBERS),
    "ReportConversion": (read.report_conversion, read.CONVERSION),
}

_ACTION = b"x-tc-action"


def claims(scope: Scope) -> bool:
    """Whether a call is Tencent's: nobody else sends its header."""
    return any(name == _ACTION for name, _ in scope["headers"])


def routes(world: World) -> list[Route]:
    """Return the one route; fault plans call an action by its name (``SendSms``)."""
    return [Route("/", _Actions(world))]


class _Actions:
    """Hands a call to the endpoint of its action."""

    def __init__(self, world: World) -> None:
        tencent = Tencent(world)
        self._endpoints = {
            action.encode(): Endpoint(
                world, tencent, action, _bound(tencent, action, handler, fields), submits=submits
            )
            for submits, actions in ((True, _SUBMITTING), (False, _OTHER))
            for action, (handler, fields) in actions.items()
        }
        self._unknown = Endpoint(world, tencent, "", lambda _: tencent.refuse("InvalidAction"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        action = next((value for name, value in scope["headers"] if name == _ACTION), b"")
        await self._endpoints.get(action, self._unknown)(scope, receive, send)


def _bound(tencent: Tencent, action: str, handler: Handler, fields: Fields) -> Callable[[Request], Answer]:
    def handle(request: Request) -> Answer:
        return tencent.answer(request, action, handler, fields)

    return handle
