"""The facts of the built-in providers, codes.csv and console.yaml: as documented, whole, bilingual."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from smskit.i18n import Language
from smskit.i18n.facts import facts, translations
from smskit.models import About, CodeClass
from smskit.providers import provider_class
from smskit.providers.codes import CodeRow, carriers_code, code_rows, read_rows
from smskit.providers.console import read_console

BUILT_IN = ("aliyun", "chuanglan", "tencent", "yunpian")
HAN = re.compile("[\u4e00-\u9fff]")

# As the providers' documents have them, read by hand for this table: what a code means for a message, whom it
# is about, after how many seconds it may be tried again.
DOCUMENTED = {
    ("yunpian", "0"): (CodeClass.ACCEPTED, About.NUMBER, None),
    ("yunpian", "3"): (CodeClass.ACCOUNT, About.REQUEST, None),
    ("yunpian", "5"): (CodeClass.REFUSED, About.TEXT, None),
    ("yunpian", "8"): (CodeClass.LATER, About.NUMBER, 30.0),
    ("yunpian", "9"): (CodeClass.LATER, About.NUMBER, 300.0),
    ("yunpian", "17"): (CodeClass.LATER, About.NUMBER, 86400.0),
    ("yunpian", "22"): (CodeClass.LATER, About.NUMBER, 3600.0),
    ("yunpian", "-1"): (CodeClass.ACCOUNT, About.REQUEST, None),
    ("yunpian", "-50"): (CodeClass.UNKNOWN, About.REQUEST, None),
    ("aliyun", "OK"): (CodeClass.ACCEPTED, About.NUMBER, None),
    ("aliyun", "isv.AMOUNT_NOT_ENOUGH"): (CodeClass.ACCOUNT, About.REQUEST, None),
    ("aliyun", "isv.MOBILE_NUMBER_ILLEGAL"): (CodeClass.REFUSED, About.NUMBER, None),
    ("aliyun", "isv.BLACK_KEY_CONTROL_LIMIT"): (CodeClass.REFUSED, About.NUMBER, None),
    ("aliyun", "isv.SMS_SIGNATURE_ILLEGAL"): (CodeClass.REFUSED, About.TEXT, None),
    ("aliyun", "isv.BUSINESS_LIMIT_CONTROL"): (CodeClass.LATER, About.NUMBER, 60.0),
    ("aliyun", "Throttling.User"): (CodeClass.RETRY, About.REQUEST, 1.0),
    ("aliyun", "isp.SYSTEM_ERROR"): (CodeClass.UNKNOWN, About.REQUEST, None),
    ("aliyun", "MissingPhoneNumbers"): (CodeClass.REFUSED, About.REQUEST, None),
    ("chuanglan", "0"): (CodeClass.ACCEPTED, About.NUMBER, None),
    ("chuanglan", "103"): (CodeClass.RETRY, About.REQUEST, None),
    ("chuanglan", "105"): (CodeClass.REFUSED, About.TEXT, None),
    ("chuanglan", "109"): (CodeClass.ACCOUNT, About.REQUEST, None),
    ("chuanglan", "110"): (CodeClass.ACCOUNT, About.REQUEST, None),
    ("chuanglan", "107"): (CodeClass.REFUSED, About.NUMBER, None),
    ("tencent", "Ok"): (CodeClass.ACCEPTED, About.NUMBER, None),
    ("tencent", "AuthFailure.SignatureExpire"): (CodeClass.ACCOUNT, About.REQUEST, None),
    ("tencent", "RequestLimitExceeded.UinLimitExceeded"): (CodeClass.RETRY, About.REQUEST, 1.0),
    ("tencent", "LimitExceeded.PhoneNumberThirtySecondLimit"): (CodeClass.LATER, About.NUMBER, 30.0),
    ("tencent", "LimitExceeded.PhoneNumberDailyLimit"): (CodeClass.LATER, About.NUMBER, 86400.0),
    ("tencent", "FailedOperation.PhoneNumberInBlacklist"): (CodeClass.REFUSED, About.NUMBER, None),
    ("tencent", "FailedOperation.InsufficientBalanceInSmsPackage"): (CodeClass.ACCOUNT, About.REQUEST, None),
    ("tencent", "InternalError.Timeout"): (CodeClass.UNKNOWN, About.REQUEST, None),
}
SIZES = {"aliyun": (107, 24), "chuanglan": (36, 7), "tencent": (106, 11), "yunpian": (58, 0)}


def test_documented_codes() -> None:
    """A handful of codes of each provider means what its documents say."""
    read = {
        (provider, code): (known.kind, known.about, known.retry_after_s)
        for provider, code in DOCUMENTED
        if (known := provider_class(provider).describe(code, receipt=False)) is not None
    }

    assert read == DOCUMENTED


def test_no_code_got_lost() -> None:
    """Each table has as many codes as were ever read from the documents: (of answers, of receipts)."""
    found = {}
    for provider in BUILT_IN:
        receipts = [row for row in code_rows(provider) if row.table == "receipt"]
        found[provider] = (len(code_rows(provider)) - len(receipts), len(receipts))

    assert found == SIZES


def test_codes_say_what_to_do() -> None:
    """Whatever is refused, put off or stops a campaign has a next step; carriers' codes have one, too."""
    silent = [
        (provider, row.code)
        for provider in BUILT_IN
        for row in code_rows(provider)
        if row.kind in ("refused", "later", "account") and row.table != "receipt" and not row.next_step_en
    ]

    assert silent == []


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("MK:0001", "take it out"),
        ("mk:0001", "take it out"),
        ("MK:0005", "another hour"),
        ("MBBLACK", "do not send again"),
        ("ID:0076", "wording"),
        ("EXPIRED", "another hour"),
        ("IB:0008", "send again"),
        ("UNKNOWN", "ask the provider"),
    ],
)
def test_carriers_codes(code: str, step: str) -> None:
    """Carriers' own codes are told by their families, in either case."""
    known = carriers_code(code)

    assert known is not None
    assert step in known.next_step


def test_a_carriers_number_is_not_the_providers() -> None:
    """A number in a receipt is a carrier's: the provider's own code of that number says nothing about it."""
    yunpian = provider_class("yunpian")

    assert yunpian.describe("-4", receipt=True) is None
    assert yunpian.describe("-4", receipt=False) == yunpian.codes["-4"]
    assert carriers_code("8") is None


def test_both_languages() -> None:
    """What stands in both languages is Chinese in one of them, and a next step has one translation."""
    pairs = list(translations())
    # Names and codes are the same everywhere.
    same = [english for english, chinese in pairs if not HAN.search(chinese)]
    steps = {(row.next_step_en, row.next_step_zh) for name in BUILT_IN for row in code_rows(name)}

    assert len(pairs) > 600
    assert same == []
    assert len({english for english, _ in steps}) == len(steps)


def test_the_catalogue_agrees() -> None:
    """No text of the data files is also a sentence of the catalogue with another translation."""
    catalogue = Language("zh")._translations
    twice = {
        english: (chinese, other)
        for english, chinese in facts().items()
        if (other := catalogue.gettext(english)) not in (english, chinese)
    }

    assert twice == {}


GOOD = CodeRow(
    "answer", "1", "refused", "number", "", "no", "不", "Ask.", "请问。", "", "", "", "page 1", "2026-11", ""
)


def csv(*rows: CodeRow, head: str = ",".join(CodeRow._fields)) -> str:
    return "\n".join([head, *(",".join(row) for row in rows)]) + "\n"


def bad_tables() -> Iterator[tuple[str, str]]:
    yield csv(head="code,kind"), "columns"
    yield csv(GOOD) + "answer,2\n", "2 cells"
    yield csv(GOOD, GOOD), "twice"
    for change, reason in (
        ({"kind": "perhaps"}, "kind 'perhaps'"),
        ({"about": "weather"}, "about 'weather'"),
        ({"retry_after_s": "5"}, "a wait"),
        ({"kind": "later", "retry_after_s": "-5"}, "retry_after_s '-5'"),
        ({"code": ""}, "no code"),
        ({"meaning_en": " "}, "no meaning_en"),
        ({"source": ""}, "no source"),
        ({"next_step_zh": ""}, "in one language"),
    ):
        yield csv(GOOD._replace(code="0"), GOOD._replace(**change)), f":3: .*{reason}"


def test_a_table_that_is_not_in_order(tmp_path: Path) -> None:
    """A mistake in a table is named with its line when it is read."""
    path = tmp_path / "codes.csv"
    path.write_text(csv(GOOD), "utf-8")

    assert read_rows(path) == [GOOD]
    for text, reason in bad_tables():
        path.write_text(text, "utf-8")
        with pytest.raises(ValueError, match=f"codes.csv{reason}" if reason[0] == ":" else reason):
            read_rows(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("opt_out: {place: text, wordnig: x}", "OptOutRule has no wordnig"),
        ("opt_out: {place: elsewhere}", "place"),
        ("template_rules: [{kind: made_up, en: a, zh: b, source: c}]", "kind"),
        (
            "marketing: {hours: {window: {start: '25:00', end: '22:00'}, source: a, read_on: 2026-11-22}}",
            "start",
        ),
    ],
    ids=["misspelt", "place", "kind", "hour"],
)
def test_a_console_file_that_is_not_in_order(tmp_path: Path, text: str, reason: str) -> None:
    """A name or value that is not known is refused."""
    path = tmp_path / "console.yaml"
    path.write_text(f"steps: []\n{text}\n", "utf-8")

    with pytest.raises(ValueError, match=reason):
        read_console(path)
