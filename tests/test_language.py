"""Both languages are whole: what is said has its 中文, and nothing is translated that nobody says."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from smskit import errors
from smskit.language import SUBJECTS, Language, catalogue, sentences, system
from smskit.providers import provider_class
from smskit.providers.declared import settings_of
from smskit.providers_doc import builtin_names
from tests.conftest import ROOT

PACKAGE = ROOT / "smskit"


def said(path: Path) -> Iterator[str]:
    """The literal first arguments of ``t("…")``, ``self.t("…")``, ``self.say("…")`` and ``mark("…")``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("t", "mark", "say"):
                first = node.args[0]
                branches = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
                yield from (b.value for b in branches if isinstance(b, ast.Constant))


SAID = {text for path in PACKAGE.rglob("*.py") for text in said(path)}


def holes(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


def test_everything_said_is_translated() -> None:
    """Each sentence a panel or notebook says has its 中文."""
    missing = sorted(SAID - set(catalogue()))

    assert missing == []


def test_translations_keep_their_holes() -> None:
    """A translation fills in the same values as its original."""
    wrong = [english for english, chinese in catalogue().items() if holes(english) != holes(chinese)]

    assert wrong == []


def test_nothing_is_translated_that_nobody_says() -> None:
    """The catalogues hold no leftovers: each entry stands somewhere in the package's code."""
    helped = {setting.help for name in builtin_names() for setting in settings_of(provider_class(name))}
    code = [p for p in PACKAGE.rglob("*.py") if p.parent.name != "language"]
    literals = {
        node.value
        for path in [*code, PACKAGE / "language" / "__init__.py"]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert sorted(set(catalogue()) - literals - helped) == []


def test_no_sentence_is_recognised_that_nobody_says() -> None:
    """Two words in a row of each sentence stand in the package's code, but for what others say."""
    code = [p for p in PACKAGE.rglob("*.py") if p.parent.name != "language"]
    literals = "\n".join(
        node.value
        for path in code
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )

    def is_said(sentence: str) -> bool:
        pieces = [piece for piece, *_ in string.Formatter().parse(sentence)]
        if not any(c.isalpha() for piece in pieces for c in piece):
            return True  # marks around what others say
        for piece in pieces:
            words = piece.strip(" `“”【】:;,.()").split(" ")
            if any(" ".join(words[n : n + 2]) in literals for n in range(max(len(words) - 1, 1)) if words[n]):
                return True
        return False

    assert [text for text in sentences() if text not in system.TOLD and not is_said(text)] == []


def test_there_is_text_in_every_subject() -> None:
    """The subjects listed are the files there are."""
    files = {p.stem for p in (PACKAGE / "language").glob("*.py")} - {"__init__"}

    assert files == set(SUBJECTS)


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
