"""
What people write first: a loop over the rows with the vendor's own client, one call a person.

Timed over some hundred or thousand people and multiplied; nobody waits for a million.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pandas as pd

from bench.segments import SIGNATURE

Send = Callable[[dict[str, Any]], bool]  # one row -> whether it was taken


def run(
    *, provider: str, segment: str, url: str, folder: str, people: int, template: str, record: bool
) -> dict[str, float]:
    """
    Loop over the first *people* of the segment; a job.

    Args:
        template: The text in our form.
        record: Commit a row for each person before and after its call, as whoever must not send twice has to.

    Returns:
        each_s, the seconds one person takes.
    """
    frame = pd.read_parquet(segment).head(people)
    send = _CLIENTS[provider](url, template)
    database = sqlite3.connect(Path(folder) / f"loop-{provider}.db", isolation_level=None)
    database.execute("create table sent (phone text primary key, state text)")
    started = time.perf_counter()
    for _, row in frame.iterrows():
        person = dict(row)
        if record:
            database.execute("insert into sent values (?, 'submitting')", (person["phone"],))
        if not send(person):
            raise RuntimeError(f"the {provider} client was refused")
        if record:
            database.execute("update sent set state = 'accepted' where phone = ?", (person["phone"],))
    return {"each_s": (time.perf_counter() - started) / people}


def _yunpian(url: str, template: str) -> Send:
    from yunpian_python_sdk.ypclient import YunpianClient

    client = YunpianClient("0" * 32, {"yp.sms.host": url})

    def send(person: dict[str, Any]) -> bool:
        text = f"【{SIGNATURE}】{template.format_map(person)}"
        return bool(client.sms().single_send({"mobile": person["phone"], "text": text}).is_succ())

    return send


def _aliyun(url: str, template: str) -> Send:
    from alibabacloud_dysmsapi20170525.client import Client
    from alibabacloud_dysmsapi20170525.models import SendSmsRequest
    from alibabacloud_tea_openapi.models import Config

    names = _names(template)
    client = Client(
        Config(
            access_key_id="LTAI5tBench",
            access_key_secret="bench",  # noqa: S106 - made up
            endpoint=urlsplit(url).netloc,
            protocol="http",
        )
    )

    def send(person: dict[str, Any]) -> bool:
        request = SendSmsRequest(
            phone_numbers=person["phone"],
            sign_name=SIGNATURE,
            template_code="SMS_1",
            template_param=json.dumps({name: str(person[name]) for name in names}),
        )
        return bool(client.send_sms(request).body.code == "OK")

    return send


def _tencent(url: str, template: str) -> Send:
    from tencentcloud.common.credential import Credential
    from tencentcloud.common.profile.client_profile import ClientProfile
    from tencentcloud.common.profile.http_profile import HttpProfile
    from tencentcloud.sms.v20210111.models import SendSmsRequest
    from tencentcloud.sms.v20210111.sms_client import SmsClient

    names = _names(template)
    profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=urlsplit(url).netloc))
    client = SmsClient(Credential("AKIDbench", "bench"), "ap-guangzhou", profile)

    def send(person: dict[str, Any]) -> bool:
        request = SendSmsRequest()
        request.PhoneNumberSet = [f"+86{person['phone']}"]
        request.SmsSdkAppId, request.TemplateId, request.SignName = "1400000001", "1", SIGNATURE
        request.TemplateParamSet = [str(person[name]) for name in names]
        return bool(client.SendSms(request).SendStatusSet[0].Code == "Ok")

    return send


def _chuanglan(url: str, template: str) -> Send:
    # There is no SDK on PyPI; the vendor's Python demo opens a connection a call and encodes the text.
    host = urlsplit(url).netloc

    def send(person: dict[str, Any]) -> bool:
        text = quote(f"【{SIGNATURE}】{template.format_map(person)}", safe="")
        fields = {"account": "bench", "password": "bench", "msg": text, "phone": person["phone"]}
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request(
            "POST", "/msg/v1/send/json", json.dumps(fields), {"Content-Type": "application/json"}
        )
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return bool(answer["code"] == "0")

    return send


def _names(template: str) -> list[str]:
    return [part.partition("{")[2] for part in template.split("}") if "{" in part]


_CLIENTS: dict[str, Callable[[str, str], Send]] = {
    "yunpian": _yunpian,
    "aliyun": _aliyun,
    "tencent": _tencent,
    "chuanglan": _chuanglan,
}
