"""What plain steps show: both languages in one output, the other hidden, and plain text in one of them."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from smskit.i18n import Language
from smskit.notebook.base import Base
from smskit.notebook.display import Both, Shown, say
from smskit.notebook.host import Host
from smskit.planning.draft import Draft

ZH, EN = Language("zh"), Language("en")


def blocks(html: str) -> list[tuple[str, bool, str]]:
    """Language, whether it is hidden, and what is in it, of each block."""
    found = re.findall(r'<div class="smskit-(zh|en)"( hidden="hidden")?>(.*?)</div>', html, re.DOTALL)
    return [(code, bool(hidden), inner) for code, hidden, inner in found]


@pytest.mark.parametrize("now", [ZH, EN], ids=["zh", "en"])
def test_both_languages_are_there(now: Language) -> None:
    """The language of the run is seen and is the plain text; the other waits for the switch."""
    both = Both(now, lambda t: Shown(f"<p>{t('Deleted.')}</p>", t("Deleted.")))
    bundle = both._repr_mimebundle_()

    assert blocks(both.html) == [
        ("zh", now is EN, "<p>已删除。</p>"),
        ("en", now is ZH, "<p>Deleted.</p>"),
    ]
    assert bundle["text/plain"] == repr(both) == now("Deleted.")


def test_what_is_the_same_or_large_is_there_once() -> None:
    """A statement of SQL is not said twice, and a picture of hundreds of bars is drawn in one language."""
    same = Both(ZH, lambda _: Shown("<p>SELECT 1</p>", "SELECT 1"))
    large = Both(EN, lambda t: Shown(f"<svg>{t.code * 60_000}</svg>", t.code))

    assert same.html == "<p>SELECT 1</p>"
    assert (blocks(large.html), repr(large)) == ([], "en")
    assert large.html.startswith("<svg>enen")


def test_a_notebook_says_what_it_is_told_in_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences with values, functions of the language, tables, and what a floor below said."""
    shown: list[Both] = []
    monkeypatch.setattr("smskit.notebook.display._show", shown.append)
    nb = Base(Draft({"campaign": "c"}), host=Host.PROGRAM)
    nb.say("Saved to {path}", path="<x>.yaml")
    nb.say(lambda t: t("Usable"))
    nb.repeat("a stop was requested", after="Notice")
    nb.show_frame(lambda t: pd.DataFrame({t("phone"): ["<i>"]}))

    told = [{code: inner for code, _, inner in blocks(both.html)} for both in shown[:3]]
    assert told == [
        {"zh": "<p>已保存到 &lt;x&gt;.yaml</p>", "en": "<p>Saved to &lt;x&gt;.yaml</p>"},
        {"zh": "<p>可用</p>", "en": "<p>Usable</p>"},
        {"zh": "<p>提示: 有人要求停止</p>", "en": "<p>Notice: a stop was requested</p>"},
    ]
    assert "手机号" in shown[3].html
    assert "<i>" not in shown[3].html


def test_under_voila_plain_steps_show_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The panel is the whole of the page there."""
    monkeypatch.setenv("VOILA_KERNEL", "1")
    say(EN, lambda _: "not to be seen")

    assert capsys.readouterr().out == ""
