"""
Tencent 腾讯云短信, API 3.0 (``sms``, version 2021-01-11), as the simulator speaks it.

All actions are ``POST /``; the header ``X-TC-Action`` tells them apart, and
tells them from other providers on that path. Facts, limits and open points:
the project's Tencent dossier; where it says nothing, the choice made is said
beside it.
"""

from __future__ import annotations

from starlette.datastructures import Headers

from smskit.simulator.core import World
from smskit.simulator.tencent import read, send
from smskit.simulator.tencent.dialect import PROVIDER, Tencent
from smskit.simulator.tencent.read import PUSHES
from smskit.simulator.wire import Endpoint

__all__ = ["ENVIRONMENT", "PROVIDER", "PUSHES", "action_of", "endpoints"]

# What a client needs in its environment to talk to the simulator; {url} is where it runs.
ENVIRONMENT = {
    "SMSKIT_TENCENT_BASE_URL": "{url}",
    "SMSKIT_TENCENT_SECRET_ID": "AKIDsimulator00000000000000000000001",
    "SMSKIT_TENCENT_SECRET_KEY": "AKIDsimulator00000000000000000000001",
    "SMSKIT_TENCENT_APP_ID": "1400000001",
}

# Action -> its function, and the fields it knows.
_ACTIONS = {
    "SendSms": (send.send_sms, send.SEND_SMS),
    "PullSmsSendStatus": (read.pull_status, read.PULL),
    "PullSmsSendStatusByPhoneNumber": (read.status_by_number, read.BY_NUMBER),
    "PullSmsReplyStatus": (read.pull_replies, read.PULL),
    "SendStatusStatistics": (read.send_statistics, read.STATISTICS),
    "SmsPackagesStatistics": (read.package_statistics, read.STATISTICS),
    "DescribeSmsTemplateList": (read.templates, read.TEMPLATES),
    "DescribeSmsSignList": (read.signatures, read.SIGNATURES),
}


def endpoints(world: World) -> dict[str, Endpoint]:
    """Action -> endpoint, as fault plans name it too; "" is any other."""
    dialect = Tencent(world, {action: fields for action, (_, fields) in _ACTIONS.items()})
    known = {
        name: Endpoint(dialect, name, do, submits=name == "SendSms") for name, (do, _) in _ACTIONS.items()
    }
    return known | {"": Endpoint(dialect, "")}


def action_of(headers: Headers, query: bytes, body: bytes) -> str | None:
    """The action of a call; None when it is not Tencent's: nobody else sends its header."""
    return headers.get("x-tc-action")
