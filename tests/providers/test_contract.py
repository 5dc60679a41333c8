"""Every built-in provider keeps the contract that ships as `smskit.testing`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

import httpx
import pytest

from smskit.providers import GROUP
from smskit.testing import ProviderContract

ROOT = Path(__file__).parents[2]


def _form(request: httpx.Request) -> dict[str, str]:
    """Query and form fields together, decoded."""
    fields = parse_qs(request.url.query.decode()) | parse_qs(request.content.decode())
    return {name: values[0] for name, values in fields.items()}


def _json(data: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=data)


class TestYunpian(ProviderContract):
    """Shapes from shared dossier `yunpian.md`, sections 3, 4, 6 and 7."""

    name = "yunpian"
    settings: ClassVar[dict[str, Any]] = {"api_key": "5ec2e7c0ffee4b1d8a9f00d15ea5e5e5", "batch_size": 7}
    refused_code = "4"
    account_code = "3"
    busy_code = "-5"
    receipts_page = json.dumps(
        [
            {"sid": 20000000011, "mobile": "13800000000", "report_status": "SUCCESS", "error_msg": ""},
            {
                "sid": 20000000012,
                "mobile": "13800000001",
                "report_status": "FAIL",
                "error_msg": "YP:54",
                "user_receive_time": "2026-01-05 22:55:23",
            },
        ]
    ).encode()
    replies_page = json.dumps(
        [{"id": "65a0", "mobile": "13800000000", "text": "TD", "reply_time": "2026-01-05 15:56:04"}]
    ).encode()

    def sends(self, request: httpx.Request) -> bool:
        """All sending methods end like this."""
        return request.url.path.endswith("_send.json")

    def numbers(self, request: httpx.Request) -> list[str]:
        """Joined by commas."""
        return _form(request)["mobile"].split(",")

    def accepted(self, request: httpx.Request) -> httpx.Response:
        """One object, or a list of them in any order."""
        if request.url.path.endswith("single_send.json"):
            return _json(self._item(self.numbers(request)[0], "0"))
        return self._batch(self.numbers(request), refused="", code="0")

    def refused(self, request: httpx.Request, code: str) -> httpx.Response:
        """HTTP 400 with the code in the body."""
        return _json({"http_status_code": 400, "code": int(code), "msg": "不行", "detail": "不行"}, 400)

    def one_refused(self, request: httpx.Request, number: str, code: str) -> httpx.Response | None:
        """Codes by number."""
        if request.url.path.endswith("single_send.json"):
            return self.refused(request, code)
        return self._batch(self.numbers(request), refused=number, code=code)

    def in_order(self, request: httpx.Request) -> httpx.Response:
        """By method."""
        sign = {"sign": f"【{self.signature}】", "check_status": "SUCCESS"}
        content = f"【{self.signature}】您好#name#，您的#gift#已到店"
        template = {"tpl_id": 1, "tpl_content": content, "check_status": "SUCCESS"}
        answers: dict[str, Any] = {
            "/v2/user/get.json": {"nick": "demo", "balance": 812.35},
            "/v2/sign/get.json": {"code": 0, "total": 1, "sign": [sign]},
            "/v2/tpl/get.json": template,
        }
        return _json(answers.get(request.url.path, []))

    def _batch(self, numbers: Sequence[str], refused: str, code: str) -> httpx.Response:
        items = [self._item(n, code if n == refused else "0") for n in reversed(numbers)]
        return _json({"total_count": len(items), "total_fee": "0.0500", "unit": "RMB", "data": items})

    @staticmethod
    def _item(number: str, code: str) -> dict[str, Any]:
        if code != "0":
            return {"code": int(code), "mobile": number, "msg": "不行"}
        return {"code": 0, "count": 1, "fee": 0.05, "mobile": number, "sid": int(number), "unit": "RMB"}


class TestYunpianByTemplate(TestYunpian):
    """The same by template id."""

    template_id = "1"


class TestYunpianMultiSend(TestYunpian):
    """The same with different texts in one request."""

    settings: ClassVar[dict[str, Any]] = {**TestYunpian.settings, "multi_send": True}


class TestAliyun(ProviderContract):
    """Shapes from shared dossier `aliyun.md`, sections 5 and 6."""

    name = "aliyun"
    settings: ClassVar[dict[str, Any]] = {
        "access_key_id": "LTAI5tContractContract01",
        "access_key_secret": "ContractSecretContractSecret01",
        "batch_size": 7,
    }
    template_id = "SMS_1000001"
    refused_code = "isv.SMS_TEMPLATE_ILLEGAL"
    account_code = "isv.AMOUNT_NOT_ENOUGH"
    busy_code = "Throttling.User"

    def sends(self, request: httpx.Request) -> bool:
        """By action, which is a header in one scheme and a field in the other."""
        return self._action(request) in ("SendSms", "SendBatchSms")

    def numbers(self, request: httpx.Request) -> list[str]:
        """Joined by commas, or a JSON list."""
        fields = _form(request)
        if "PhoneNumberJson" in fields:
            return list(json.loads(fields["PhoneNumberJson"]))
        return fields["PhoneNumbers"].split(",")

    def accepted(self, request: httpx.Request) -> httpx.Response:
        """One id for all."""
        return _json({"Code": "OK", "Message": "OK", "BizId": "900619746936498440^0", "RequestId": "4C3D"})

    def refused(self, request: httpx.Request, code: str) -> httpx.Response:
        """HTTP 200 from the product, 400 from the gateway before it."""
        return _json({"Code": code, "Message": "不行", "RequestId": "434D"}, 200 if code[0] == "i" else 400)

    def in_order(self, request: httpx.Request) -> httpx.Response:
        """By action."""
        answers: dict[str, dict[str, Any]] = {
            "QuerySmsTemplateList": {
                "SmsTemplateList": [{"TemplateCode": "SMS_1", "AuditStatus": "AUDIT_STATE_PASS"}]
            },
            "QuerySmsSignList": {
                "SmsSignList": [{"SignName": self.signature, "AuditStatus": "AUDIT_STATE_PASS"}]
            },
            "GetSmsSign": {"SignStatus": 1, "SignName": self.signature},
            "GetSmsTemplate": {"TemplateStatus": "1", "TemplateContent": "您好${name}，您的${gift}已到店"},
            "QuerySendDetails": {"TotalCount": "0", "SmsSendDetailDTOs": {"SmsSendDetailDTO": []}},
        }
        return _json({"Code": "OK", "Message": "OK", "RequestId": "819B"} | answers[self._action(request)])

    @staticmethod
    def _action(request: httpx.Request) -> str:
        return request.headers.get("x-acs-action") or _form(request)["Action"]


class TestAliyunRpc(TestAliyun):
    """The same with the older signature."""

    settings: ClassVar[dict[str, Any]] = {**TestAliyun.settings, "signature_version": "rpc"}


class TestChuanglan(ProviderContract):
    """Shapes from shared dossier `chuanglan.md`, section 2."""

    name = "chuanglan"
    settings: ClassVar[dict[str, Any]] = {
        "account": "N0000001",
        "password": "made-up-password",
        "batch_size": 7,
    }
    refused_code = "105"
    account_code = "109"
    busy_code = "103"
    receipts_page = json.dumps(
        {
            "ret": 0,
            "result": [
                {
                    "msgId": "24060100000000000000000000000001",
                    "mobile": "13800000001",
                    "status": "DELIVRD",
                    "statusDesc": "短信发送成功",
                    "reportTime": "2406011201",
                    "notifyTime": "240601120105",
                }
            ],
        }
    ).encode()
    replies_page = json.dumps(
        {"ret": 0, "result": [{"moTime": "2406011300", "mobile": "13800000001", "messageContent": "TD"}]}
    ).encode()

    def sends(self, request: httpx.Request) -> bool:
        """Three paths send."""
        return request.url.path in ("/msg/v1/send/json", "/msg/variable/json", "/msg/sms/v2/tpl/send")

    def numbers(self, request: httpx.Request) -> list[str]:
        """Joined by commas, or first in each group of values."""
        body = json.loads(request.content)
        if "params" in body:
            return [group.split(",")[0] for group in body["params"].split(";")]
        return list((body.get("phone") or body["phoneNumbers"]).split(","))

    def accepted(self, request: httpx.Request) -> httpx.Response:
        """One id for all, and counts."""
        count = str(len(self.numbers(request)))
        ok = "000000" if "phoneNumbers" in json.loads(request.content) else "0"
        return _json(
            {"code": ok, "msgId": "24060100000000000000000000000001", "failNum": "0", "successNum": count}
        )

    def refused(self, request: httpx.Request, code: str) -> httpx.Response:
        """Code and words; asked for reports it answers in another shape."""
        if "/pull/" in request.url.path:
            return _json({"ret": 1, "error": "不行"})
        return _json({"code": code, "msgId": "", "time": "20240601120001", "errorMsg": "不行"})

    def in_order(self, request: httpx.Request) -> httpx.Response:
        """Balance, or nothing waiting."""
        if request.url.path == "/msg/balance/json":
            return _json({"code": 0, "balance": "1234", "time": "20240601120001", "errorMsg": ""})
        return _json({"ret": 0, "result": []})


class TestChuanglanByTemplate(TestChuanglan):
    """Family v2: by template id."""

    settings: ClassVar[dict[str, Any]] = {**TestChuanglan.settings, "family": "v2"}
    template_id = "1"
    refused_code = "101206"
    account_code = "101200"
    check_account_code = "109"  # what looks is family v1 all the same
    busy_code = ""


class TestTencent(ProviderContract):
    """Shapes from shared dossier `tencent.md`, sections 3 and 4."""

    name = "tencent"
    settings: ClassVar[dict[str, Any]] = {
        "secret_id": "AKIDcontractContract0000000000000001",
        "secret_key": "ContractSecretKeyContract0000001",
        "app_id": "1400000001",
        "batch_size": 7,
    }
    template_id = "1000001"
    refused_code = "FailedOperation.ContainSensitiveWord"
    account_code = "AuthFailure.SignatureFailure"
    busy_code = "RequestLimitExceeded"
    receipts_page = json.dumps(
        {
            "Response": {
                "PullSmsSendStatusSet": [
                    {
                        "UserReceiveTime": 1717171717,
                        "CountryCode": "86",
                        "SubscriberNumber": "13800000001",
                        "PhoneNumber": "+8613800000001",
                        "SerialNo": "2640:100000000000000000000001",
                        "ReportStatus": "SUCCESS",
                        "Description": "DELIVRD",
                    }
                ],
                "RequestId": "r",
            }
        }
    ).encode()
    replies_page = json.dumps(
        {
            "Response": {
                "PullSmsReplyStatusSet": [
                    {"PhoneNumber": "+8613800000001", "ReplyContent": "TD", "ReplyTime": 1717171717}
                ],
                "RequestId": "r",
            }
        }
    ).encode()

    def sends(self, request: httpx.Request) -> bool:
        """By action."""
        return request.headers["x-tc-action"] == "SendSms"

    def numbers(self, request: httpx.Request) -> list[str]:
        """A JSON list."""
        return list(json.loads(request.content)["PhoneNumberSet"])

    def accepted(self, request: httpx.Request) -> httpx.Response:
        """A row a number, in any order."""
        return self._rows(self.numbers(request), refused="", code="")

    def refused(self, request: httpx.Request, code: str) -> httpx.Response:
        """An error in place of rows, with HTTP 200."""
        return _json({"Response": {"Error": {"Code": code, "Message": "no"}, "RequestId": "r"}})

    def one_refused(self, request: httpx.Request, number: str, code: str) -> httpx.Response | None:
        """Codes by row."""
        return self._rows(self.numbers(request), refused=number, code=code)

    def in_order(self, request: httpx.Request) -> httpx.Response:
        """By action."""
        sign = {"SignName": self.signature, "StatusCode": 0}
        content = "您好{1}，您的{2}已到店"
        template = {"TemplateId": 1000001, "TemplateContent": content, "StatusCode": 0}
        package = {"PackageAmount": 100, "CurrentUsage": 1, "PackageExpiredTime": 4102444800}
        answers: dict[str, dict[str, Any]] = {
            "SendStatusStatistics": {"SendStatusStatistics": {"FeeCount": 1}},
            "SmsPackagesStatistics": {"SmsPackagesStatisticsSet": [package]},
            "DescribeSmsSignList": {"DescribeSignListStatusSet": [sign]},
            "DescribeSmsTemplateList": {"DescribeTemplateStatusSet": [template]},
            "PullSmsSendStatus": {"PullSmsSendStatusSet": []},
            "PullSmsReplyStatus": {"PullSmsReplyStatusSet": []},
            "PullSmsSendStatusByPhoneNumber": {"PullSmsSendStatusSet": []},
        }
        return _json({"Response": {"RequestId": "r"} | answers[request.headers["x-tc-action"]]})

    @staticmethod
    def _rows(numbers: Sequence[str], refused: str, code: str) -> httpx.Response:
        rows = [
            {
                "SerialNo": "" if number == refused else f"2640:{number[-11:]}",
                "PhoneNumber": number,
                "Fee": int(number != refused),
                "Code": code if number == refused else "Ok",
                "Message": "send success",
                "IsoCode": "CN",
            }
            for number in reversed(numbers)
        ]
        return _json({"Response": {"SendStatusSet": rows, "RequestId": "r"}})


class TestGenericHttp(ProviderContract):
    """The configuration of `examples/generic_http`, answered as its README says the SSP answers."""

    name = "http"
    settings: ClassVar[dict[str, Any]] = {
        "config": str(ROOT / "examples" / "generic_http" / "lantern.yaml"),
        "account": "lantern-account-01",
        "secret": "lantern-secret-0123456789",
        "batch_size": 7,
    }
    refused_code = "2001"
    account_code = "4001"
    busy_code = "5001"
    receipts_page = json.dumps(
        {
            "code": 0,
            "data": [
                {"id": 71, "to": "13800000000", "status": "DELIVRD", "at": "2026-01-05 22:55:23"},
                {"id": 72, "to": "13800000001", "status": "MK:0001", "at": "", "reason": "空号"},
            ],
        }
    ).encode()

    def sends(self, request: httpx.Request) -> bool:
        """One path and method."""
        return (request.method, request.url.path) == ("POST", "/v1/messages")

    def numbers(self, request: httpx.Request) -> list[str]:
        """A JSON list."""
        return list(json.loads(request.content)["to"])

    def accepted(self, request: httpx.Request) -> httpx.Response:
        """A row a number, in any order."""
        return self._rows(self.numbers(request), refused="", code="")

    def refused(self, request: httpx.Request, code: str) -> httpx.Response:
        """A code for all."""
        return _json({"code": int(code), "message": "不行"})

    def one_refused(self, request: httpx.Request, number: str, code: str) -> httpx.Response | None:
        """Codes by row."""
        return self._rows(self.numbers(request), refused=number, code=code)

    def in_order(self, request: httpx.Request) -> httpx.Response:
        """Balance, or nothing waiting."""
        return _json({"code": 0, "data": {"balance": "88.20"} if "account" in request.url.path else []})

    @staticmethod
    def _rows(numbers: Sequence[str], refused: str, code: str) -> httpx.Response:
        rows = [
            {"to": n, "status": code, "reason": "不行"}
            if n == refused
            else {"to": n, "status": 0, "id": int(n)}
            for n in reversed(numbers)
        ]
        return _json({"code": 0, "message": "ok", "data": {"results": rows}})


class TestGenericHttpOneByOne(TestGenericHttp):
    """The smallest configuration there is: a form, one number a request, an id and a code in the answer."""

    name = "http"
    settings: ClassVar[dict[str, Any]] = {
        "config": json.dumps(
            {
                "title": "Smallest",
                "submit": {
                    "url": "https://sms.example/send",
                    "form": {"key": "{secret}", "mobile": "{national}", "content": "{text}"},
                    "answer": {"code": "status", "id": "sid"},
                },
                "codes": {
                    "accepted": {"true": "OK"},
                    "refused": {"2001": "no"},
                    "retry": {"5001": "busy"},
                    "account": {"4001": "no money"},
                },
            }
        ),
        "secret": "made-up-0123456789",
    }

    def sends(self, request: httpx.Request) -> bool:
        """It knows nothing else."""
        return True

    def numbers(self, request: httpx.Request) -> list[str]:
        """Just one."""
        return [_form(request)["mobile"]]

    def accepted(self, request: httpx.Request) -> httpx.Response:
        """A truth value and an id."""
        return _json({"status": True, "sid": 90071992547409931})

    def refused(self, request: httpx.Request, code: str) -> httpx.Response:
        """The code as text."""
        return _json({"status": code})

    def one_refused(self, request: httpx.Request, number: str, code: str) -> httpx.Response | None:
        """One number a request has one fate."""
        return None


BUILT_IN = [point.name for point in entry_points(group=GROUP) if point.dist and point.dist.name == "smskit"]


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_provider_is_here(name: str) -> None:
    """A provider that is registered has its contract tests in this file."""
    tested = {thing.name for thing in globals().values() if _is_suite(thing)}

    assert name in tested


def _is_suite(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, ProviderContract) and thing is not ProviderContract
