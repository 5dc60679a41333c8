"""
Aliyun 阿里云 SMS (Dysmsapi 2017-05-25) as the simulator speaks it, in both signature schemes.

Facts, limits and open points: the project's Aliyun dossier, sections 1 to 12
and 18. An account's AccessKeyId is its credential, its secret the setting
``secret``; without one the digest is not compared, everything else about a
signed request is. What only Aliyun has are entries of other settings:

* ``profile``: ``SecurityToken`` a temporary credential must bring, ``loose_json``
  to let bare numbers pass as values;
* a signature's ``extra``: ``code_only``, ``RegisterStatus`` by carrier;
* a template's ``extra``: ``TemplateName``, ``TemplateRule`` (variable -> kind).
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.routing import Route

from smskit.simulator.aliyun.codes import CODES
from smskit.simulator.aliyun.dialect import KEY_ID, PROVIDER, SECRET, Aliyun, Handler, claims
from smskit.simulator.aliyun.push import receipt_pushes, reply_pushes
from smskit.simulator.aliyun.read import query_send_details, query_send_statistics
from smskit.simulator.aliyun.register import (
    create_sms_template,
    delete_sms_template,
    get_sms_sign,
    get_sms_template,
    get_sms_template_list,
    offline,
    query_sms_sign,
    query_sms_sign_list,
    query_sms_template,
    query_sms_template_list,
    update_sms_template,
)
from smskit.simulator.aliyun.send import send_batch_sms, send_sms
from smskit.simulator.core import World
from smskit.simulator.wire import Answer, Endpoint, Form, Receive, Request, Scope, Send

__all__ = ["CODES", "ENVIRONMENT", "PROVIDER", "claims", "receipt_pushes", "reply_pushes", "routes"]

# What a client needs in its environment to talk to the simulator; {url} is where it runs.
ENVIRONMENT = {
    "SMSKIT_ALIYUN_BASE_URL": "{url}",
    "SMSKIT_ALIYUN_ACCESS_KEY_ID": KEY_ID,
    "SMSKIT_ALIYUN_ACCESS_KEY_SECRET": SECRET,
}

_SUBMITTING: dict[str, Handler] = {"SendSms": send_sms, "SendBatchSms": send_batch_sms}
_OTHER: dict[str, Handler] = {
    "QuerySendDetails": query_send_details,
    "QuerySendStatistics": query_send_statistics,
    "GetSmsTemplate": get_sms_template,
    "GetSmsTemplateList": get_sms_template_list,
    "QuerySmsTemplate": query_sms_template,
    "QuerySmsTemplateList": query_sms_template_list,
    "GetSmsSign": get_sms_sign,
    "QuerySmsSign": query_sms_sign,
    "QuerySmsSignList": query_sms_sign_list,
    "CreateSmsTemplate": create_sms_template,
    "UpdateSmsTemplate": update_sms_template,
    "DeleteSmsTemplate": delete_sms_template,
    "AddSmsTemplate": offline,
    "ModifySmsTemplate": offline,
    "AddSmsSign": offline,
    "ModifySmsSign": offline,
}


class Actions:
    """The one path of this provider: hands a call to the endpoint of its action, as fault plans name it."""

    def __init__(self, world: World) -> None:
        dialect = Aliyun(world)
        self._endpoints = {
            action: Endpoint(world, dialect, action, _bound(dialect, action, handler), submits=submits)
            for submits, actions in ((True, _SUBMITTING), (False, _OTHER))
            for action, handler in actions.items()
        }
        self._unknown = Endpoint(
            world, dialect, "unknown", lambda _: dialect.refuse("InvalidAction.NotFound")
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        action = _action_in(scope)
        if action is None:
            # The older scheme may name it in the form, which has to be read for that and handed on.
            body, receive = await _ahead(receive)
            action = Form(body).text("Action") or ""
        endpoint = self._endpoints.get(action, self._unknown)
        await endpoint(scope, receive, send)


def routes(world: World) -> list[Route]:
    """Return the one route there is; which action is meant shows in the call."""
    return [Route("/", Actions(world))]


def _bound(dialect: Aliyun, action: str, handler: Handler) -> Callable[[Request], Answer]:
    def handle(request: Request) -> Answer:
        return dialect.answer(request, action, handler)

    return handle


def _action_in(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-acs-action":
            return str(value.decode("latin-1"))
    return Form(scope["query_string"]).text("Action")


async def _ahead(receive: Receive) -> tuple[bytes, Receive]:
    """Read the whole body, and return it with a *receive* that gives it once more."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    body = b"".join(message.get("body", b"") for message in messages)

    async def again() -> dict[str, object]:
        return dict(messages.pop(0) if messages else await receive())

    return body, again
