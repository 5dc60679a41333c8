"""Both languages are whole: what is said has its 中文, and nothing is translated that nobody says."""

from __future__ import annotations

import ast
import copy
import pickle
import string
from decimal import Decimal
from typing import Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from smskit import errors
from smskit.i18n import Joined, Language, Message, Quoted, dumps, loads
from smskit.i18n.message import is_chinese
from smskit.i18n.validation import what_is_wrong
from smskit.models import CHECKED
from tests import messages


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_the_catalogue_is_current() -> None:
    """The ``.po`` holds each sentence of the code with its 中文, and no others."""
    catalog = messages.updated()

    assert list(messages.untranslated(catalog)) == []
    assert [m.id for m in catalog if m.id and m.fuzzy] == []
    assert messages.as_po(catalog).decode() == messages.PO.read_text(encoding="utf-8")


def test_the_compiled_catalogue_is_current() -> None:
    """The ``.mo`` beside the ``.po``, which programs read, is made from it; `make messages` does so."""
    assert messages.MO.read_bytes() == messages.as_mo(messages.translated())


def test_translations_keep_their_holes() -> None:
    """A translation fills in the same values as its original."""
    wrong = [m.id for m in messages.translated() if m.id and holes(m.id) != holes(m.string)]

    assert wrong == []


def test_languages() -> None:
    """English is what stands in the code, 中文 what the catalogue says, and there is no third."""
    assert Language("en")("parameter") == "parameter"
    assert Language("zh")("parameter") == "参数"
    assert Language("zh")("not in any catalogue {n}", n=1) == "not in any catalogue 1"
    with pytest.raises(ValueError, match="no language"):
        Language("fr")


@pytest.mark.parametrize("code", ["zh", "en"])
def test_foreign_errors_tell_only_their_kind(code: str) -> None:
    """An exception that is not ours may hold a phone or a key, so its text is not shown."""
    told = Language(code).error(ValueError("13800138000 secret"))

    assert "ValueError" in told
    assert "13800138000" not in told


def test_own_errors_have_a_headline() -> None:
    """Each of smskit's errors has a Chinese headline of its kind, the most special one."""
    locked = Language("zh").error(errors.LedgerLocked("another run"))
    plain = Language("en").error(errors.LedgerLocked("another run"))

    assert locked.startswith("另一个运行正在处理此活动：")
    assert plain == "another run"


SAVED = Message("Saved to {path}", path="a.yaml")
MESSAGES = {
    "a message": (SAVED, "Saved to a.yaml", "已保存到 a.yaml"),
    "several": (
        Joined([SAVED, Message(""), Message("mode")]),
        "Saved to a.yaml; mode",
        "已保存到 a.yaml；模式",
    ),
    "sentences": (
        Joined([Message("The same parameters."), Message("It is marketing.")], " "),
        "The same parameters. It is marketing.",
        "参数相同。属于营销短信。",
    ),
    "one in another": (
        Message("Still to be chosen: {names}", names=SAVED),
        "Still to be chosen: Saved to a.yaml",
        "还需选择：已保存到 a.yaml",
    ),
    "braces": (Message("{no} values"), "{no} values", "{no} values"),
    "a number": (Message("{n:,} left", n=1200), "1,200 left", None),
    "a provider's": (Quoted("账户余额不足"), "“账户余额不足”", "账户余额不足"),
    "a code": (Quoted("DELIVRD"), "DELIVRD", "DELIVRD"),
    "within": (Message("Still to be chosen: {names}", names=Quoted("not now")), None, "还需选择：“not now”"),
    "a name": ("template", "template", None),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_survives_being_stored(name: str) -> None:
    """It reads as English, renders as 中文, and does so after the ledger, a pickle and a copy."""
    message, english, chinese = MESSAGES[name]
    again = [loads(dumps(message)), pickle.loads(pickle.dumps(message)), copy.deepcopy(message)]

    for each in [message, *again]:
        assert type(each) is type(message)
        assert Language("en").render(each) == each == (english or message)
        assert Language("zh").render(each) == (chinese or Language("zh").render(message))


@pytest.mark.parametrize(
    "text",
    [
        '{"msgid":',
        '{"msgid":"{a}","values":{}}x',
        '{"msgid":"{a}","values":{"b":1}}',
        '{"join":"; ","parts":[]}',
    ],
)
def test_what_is_no_message_is_plain_text(text: str) -> None:
    """Text of others that only begins like a stored message is shown as it stands."""
    assert Language("zh").render(loads(text)) in (text, "")


class Asked(BaseModel):
    """Fields of the kinds that settings and parameters have."""

    whole: int = Field(default=1, ge=1, le=9)
    share: float = Field(default=0.5, gt=0, lt=1)
    money: Decimal = Decimal(1)
    text: str = ""
    yes: bool = True
    side: Literal["left", "right"] = "left"
    several: list[str] = []
    named: dict[str, int] = {}


WRONG = {
    "whole": (0, 10, 1.5, "x", None),
    "share": (0, 1, "x", None),
    "money": ("x", []),
    "text": (1, None),
    "yes": ("perhaps", None),
    "side": ("up",),
    "several": (1,),
    "named": (1,),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in WRONG for value in WRONG[name]])
def test_what_pydantic_says_is_a_message(name: str, value: object) -> None:
    """In English it is pydantic's own sentence, in 中文 there is one for each."""
    with pytest.raises(ValidationError) as raised:
        Asked.model_validate({name: value})
    (error,) = raised.value.errors()
    message = what_is_wrong(error)

    assert message == error["msg"]
    assert is_chinese(Language("zh").render(message))


def test_errors_carry_messages() -> None:
    """No error of ours is made from an f-string or a literal that has no place in the catalogue."""
    plain = [line for path in sorted(messages.PACKAGE.rglob("*.py")) for line in messages.plain_errors(path)]

    assert plain == []


def test_what_a_check_looks_at_has_a_name_in_both_languages() -> None:
    """A finding is headed by one of the words of `CHECKED`, which have their Chinese."""
    heads = {
        node.args[0].value
        for path in messages.PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding" and node.args
        if isinstance(node.args[0], ast.Constant)
    }

    assert heads == set(CHECKED)
    assert [word for word in CHECKED if not is_chinese(Language("zh")(word))] == []
