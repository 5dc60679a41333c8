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

from starlette.types import Receive, Scope, Send

from smskit.simulator.aliyun import read, register, send
from smskit.simulator.aliyun.dialect import KEY_ID, PROVIDER, SECRET, Aliyun, Handler
from smskit.simulator.aliyun.push import receipt_pushes, reply_pushes
from smskit.simulator.core import World
from smskit.simulator.wire import Endpoint, form

__all__ = ["ENVIRONMENT", "PROVIDER", "actions", "receipt_pushes", "reply_pushes"]

# What a client needs in its environment to talk to the simulator; {url} is where it runs.
ENVIRONMENT = {
    "SMSKIT_ALIYUN_BASE_URL": "{url}",
    "SMSKIT_ALIYUN_ACCESS_KEY_ID": KEY_ID,
    "SMSKIT_ALIYUN_ACCESS_KEY_SECRET": SECRET,
}

_SUBMITTING: dict[str, Handler] = {"SendSms": send.send_sms, "SendBatchSms": send.send_batch_sms}
_OTHER: dict[str, Handler] = {
    "QuerySendDetails": read.query_send_details,
    "GetSmsTemplate": register.get_sms_template,
    "QuerySmsTemplate": register.query_sms_template,
    "QuerySmsTemplateList": register.query_sms_template_list,
    "GetSmsSign": register.get_sms_sign,
    "QuerySmsSign": register.query_sms_sign,
    "QuerySmsSignList": register.query_sms_sign_list,
}


class Actions:
    """The one path of this provider: hands a call to the endpoint of its action, as fault plans name it."""

    def __init__(self, world: World) -> None:
        dialect = Aliyun(world)
        self._endpoints = {
            action: dialect.endpoint(action, handler, submits=action in _SUBMITTING)
            for action, handler in (_SUBMITTING | _OTHER).items()
        }
        self._unknown = Endpoint(
            world, dialect, "unknown", lambda _: dialect.refuse("InvalidAction.NotFound")
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        action = dict(scope["headers"]).get(b"x-acs-action", b"").decode("latin-1")
        action = action or form(scope["query_string"]).get("Action", "")
        if not action:
            # The older scheme may name it in the form, which has to be read for that and handed on.
            body, receive = await _ahead(receive)
            action = form(body).get("Action", "")
        await self._endpoints.get(action, self._unknown)(scope, receive, send)


def actions(world: World) -> Actions:
    """What answers on this provider's one path."""
    return Actions(world)


async def _ahead(receive: Receive) -> tuple[bytes, Receive]:
    """Read the whole body, and return it with a *receive* that gives it once more."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    body = b"".join(message.get("body", b"") for message in messages)

    async def again() -> dict[str, object]:
        return dict(messages.pop(0) if messages else await receive())

    return body, again
