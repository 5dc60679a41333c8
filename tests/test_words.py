"""One word per thing, the field's: what was said before stands nowhere any more, in either language."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.messages import translated

# Pattern -> what is said instead.
CHINESE = {
    "留出": "对照组",
    "先发(?![给送])": "灰度发送",
    "频次上限": "频次控制",
    "缺省": "默认",
    "人员列": "用户标识列",
    "同意列": "营销许可列",
    "账目": "发送明细",
    "拦下": "命中频控",
    "台账": "账本",
    "服务商": "供应商",
    "计划哈希": "计划指纹",
}
ENGLISH = {
    r"\bMost people\b": "Maximum recipients",
    r"\bMost yuan\b": "Maximum cost (¥)",
    r"\bYuan a part\b": "Price per part (¥)",
    r"\bFallback of\b": "Fallback for",
    r"\bLook again\b": "Refresh",
    r"\bAnother draw\b": "Show others",
    r"^Look$": "Overview",
    r"\bwithin the last\b": "in the last … days",
}


def said_before(text: str, words: dict[str, str]) -> Iterator[str]:
    """What of *text* is an old word, and what to say instead."""
    for pattern, instead in words.items():
        if found := re.search(pattern, text):
            yield f"{found[0]} -> {instead}: {text[:80]}"


@pytest.mark.parametrize("words", [CHINESE, ENGLISH], ids=["zh", "en"])
def test_old_words_stand_in_no_sentence(words: dict[str, str]) -> None:
    """Neither a sentence of the code nor its Chinese says them."""
    sentences = [str(m.string if words is CHINESE else m.id) for m in translated() if m.id]

    assert [line for sentence in sentences for line in said_before(sentence, words)] == []


def test_old_words_stand_in_no_page() -> None:
    """Nor do the Chinese pages, which say what is written on buttons and fields."""
    pages = [
        *(ROOT / "docs" / "zh").rglob("*.md"),
        ROOT / "README.zh.md",
        *(ROOT / "notebooks").glob("*.ipynb"),
    ]
    lines = [line for page in pages for line in page.read_text(encoding="utf-8").splitlines()]

    assert [line for each in lines for line in said_before(each, CHINESE)] == []
