"""What plain steps show: one language at a time, as HTML and as plain text."""

from __future__ import annotations

import pandas as pd
import pytest

from smskit.i18n import Message
from smskit.notebook.base import Base
from smskit.notebook.display import Output, say
from smskit.notebook.host import Host
from smskit.planning.draft import Draft


def test_a_notebook_shows_one_language_and_outputs_keep_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences with values, functions of the language, messages and tables, before and after a switch."""
    shown: list[Output] = []
    monkeypatch.setattr("smskit.notebook.display._show", shown.append)
    nb = Base(Draft({"campaign": "c"}), host=Host.PROGRAM)

    def steps(code: str) -> list[str]:
        nb.page.speak(code)
        nb.say("Saved to {path}", path="<x>.yaml")
        nb.say(lambda t: t("Usable"))
        nb.repeat(Message("a stop was requested"), after="Notice")
        nb.show_frame(lambda t: pd.DataFrame({t("phone"): ["<i>"]}))
        *sentences, table = shown[-4:]
        assert "<i>" not in table.html
        assert table._repr_mimebundle_() == {"text/html": table.html, "text/plain": repr(table)}
        return [*(each.html for each in sentences), repr(table).split()[0]]

    chinese = ["<p>已保存到 &lt;x&gt;.yaml</p>", "<p>可用</p>", "<p>提示: 有人要求停止</p>", "手机号"]
    assert steps("zh") == chinese
    assert steps("en") == [
        "<p>Saved to &lt;x&gt;.yaml</p>",
        "<p>Usable</p>",
        "<p>Notice: a stop was requested</p>",
        "phone",
    ]
    assert [each.html for each in shown[:3]] == chinese[:3]


def test_under_voila_plain_steps_show_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The panel is the whole of the page there."""
    monkeypatch.setenv("VOILA_KERNEL", "1")
    say("not to be seen")

    assert capsys.readouterr().out == ""
