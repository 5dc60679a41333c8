"""
Aliyun 阿里云 SMS (Dysmsapi 2017-05-25) as the simulator speaks it, in both signature schemes.

Facts, limits and open points: the project's Aliyun dossier, sections 1 to 12
and 18. An account's AccessKeyId is its credential, its secret the setting
``secret``; without one the digest is not compared, everything else about a
signed request is. What only Aliyun has are entries of other settings:

* ``profile``: ``SecurityToken`` a temporary credential must bring;
* a signature's ``extra``: ``code_only``;
* a template's ``extra``: ``TemplateName``, ``TemplateRule`` (variable -> kind).
"""

from __future__ import annotations

from starlette.datastructures import Headers

from smskit.simulator.aliyun import read, send
from smskit.simulator.aliyun.dialect import KEY_ID, PROVIDER, SECRET, Aliyun
from smskit.simulator.aliyun.read import PUSHES
from smskit.simulator.core import World
from smskit.simulator.wire import Endpoint, form

__all__ = ["ENVIRONMENT", "PROVIDER", "PUSHES", "action_of", "endpoints"]

# What a client needs in its environment to talk to the simulator; {url} is where it runs.
ENVIRONMENT = {
    "SMSKIT_ALIYUN_BASE_URL": "{url}",
    "SMSKIT_ALIYUN_ACCESS_KEY_ID": KEY_ID,
    "SMSKIT_ALIYUN_ACCESS_KEY_SECRET": SECRET,
}

_ACTIONS = {
    "SendSms": send.send_sms,
    "SendBatchSms": send.send_batch_sms,
    "QuerySendDetails": read.query_send_details,
    "GetSmsTemplate": read.get_sms_template,
    "QuerySmsTemplate": read.query_sms_template,
    "QuerySmsTemplateList": read.query_sms_template_list,
    "GetSmsSign": read.get_sms_sign,
    "QuerySmsSign": read.query_sms_sign,
    "QuerySmsSignList": read.query_sms_sign_list,
}


def endpoints(world: World) -> dict[str, Endpoint]:
    """Action -> endpoint, as fault plans name it too; "" is any other."""
    dialect = Aliyun(world)
    known = {
        name: Endpoint(dialect, name, do, submits=name.startswith("Send")) for name, do in _ACTIONS.items()
    }
    return known | {"": Endpoint(dialect, "unknown")}


def action_of(headers: Headers, query: bytes, body: bytes) -> str:
    """The action of a call: in a header, or in a field; the older scheme may have that in the form."""
    named = headers.get("x-acs-action") or form(query).get("Action") or form(body).get("Action")
    return named or ""
