"""What people read is what they see: labels, pictures and links of the guides; both languages agree."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

from smskit.i18n import LANGUAGES, NAMES, Language
from smskit.providers import provider_names
from tests.conftest import ROOT
from tests.messages import translated

GUIDES = {"en": ROOT / "docs" / "guide.md", "zh": ROOT / "docs" / "zh" / "guide.md"}
READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh.md"}
REFERENCES = {"en": ROOT / "docs" / "reference.md", "zh": ROOT / "docs" / "zh" / "reference.md"}
BOTH = pytest.mark.parametrize("pages", [READMES, REFERENCES], ids=["readme", "reference"])
PICTURES = ROOT / "docs" / "pictures"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
SELF = {"bold", "粗体"}  # how the guides say what is in bold
MOST_BYTES = 3_000_000  # of all pictures: a checkout stays small
OFFERS = {
    "yes": "是",
    "no": "否",
    "one by one": "逐条",
    "as configured": "按配置",
    "if configured": "如已配置",
    "accepted only": "仅已受理",
}
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def prose(path: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", path.read_text("utf-8"))


def labels(language: str) -> list[str]:
    """What stands in bold in a guide: buttons and labels of panels."""
    return re.findall(r"\*\*([^*\n]+)\*\*", prose(GUIDES[language]))


def links(path: Path) -> list[str]:
    """Targets of links and pictures within the checkout."""
    return re.findall(r"(?:\]\(|<img src=\")(?!\w+:)([^)\"\s]+)[)\"]", prose(path))


def headings(path: Path) -> list[tuple[int, str]]:
    """Level and words of each heading."""
    return [(len(marks), words) for marks, words in re.findall(r"^(#+) (.+)$", prose(path), re.MULTILINE)]


def anchors(path: Path) -> set[str]:
    """What links may say after #, as GitHub makes it of headings."""
    return {re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-") for _, words in headings(path)}


def first_cells(path: Path) -> list[str]:
    """The first cell of each row of each table, but for rules and heads of tables."""
    lines = prose(path).splitlines()
    rows = [line for i, line in enumerate(lines) if line.startswith("|") and lines[i - 1].startswith("|")]
    cells = [row.split("|")[1].strip() for row in rows]
    return [cell for cell in cells if cell.strip("-: ")]


def test_english_labels_are_on_the_screen() -> None:
    """Every button the guide names is a word of some panel."""
    known = {str(m.id) for m in translated()} | set(NAMES.values()) | SELF

    assert sorted(set(labels("en")) - known) == []


def test_chinese_labels_are_on_the_screen() -> None:
    """Every button the Chinese guide names is a panel's Chinese."""
    known = {str(m.string) for m in translated()} | set(NAMES.values()) | SELF

    assert sorted(set(labels("zh")) - known) == []


def test_both_guides_go_the_same_way() -> None:
    """Both languages name the same buttons equally often, under the same structure of headings."""
    zh, names = Language("zh"), set(NAMES.values())
    english = Counter(label if label in names else zh(label) for label in labels("en") if label not in SELF)
    chinese = Counter(label for label in labels("zh") if label not in SELF)

    assert english - chinese == chinese - english == Counter()
    assert [n for n, _ in headings(GUIDES["en"])] == [n for n, _ in headings(GUIDES["zh"])]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_is_shown(language: str) -> None:
    """Each picture that was taken stands in the guide of its language, and none is missing."""
    taken = {path.name for path in (PICTURES / language).iterdir()}
    shown = {Path(link).name for link in links(GUIDES[language]) if f"pictures/{language}/" in link}

    assert shown == taken
    assert taken == {path.name for path in (PICTURES / "en").iterdir()}


def test_pictures_are_small() -> None:
    """All pictures together are no burden for whoever clones."""
    assert 0 < sum(path.stat().st_size for path in PICTURES.rglob("*.png")) < MOST_BYTES


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether a relative link of *page* points at a file of the checkout, and its # at a heading there."""
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and not (anchor and target.suffix == ".md" and anchor not in anchors(target))


def test_links_lead_somewhere() -> None:
    """No page has a relative link that is lost."""
    lost = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in PAGES
        for link in map(unquote, links(page))
        if not leads_somewhere(page, link)
    ]

    assert lost == []


@pytest.mark.parametrize(("page", "least"), [("docs/architecture.md", 40), ("CONTRIBUTING.md", 8)])
def test_developers_pages_name_what_there_is(page: str, least: int) -> None:
    """Every file and folder the pages for developers name is in the checkout."""
    named = re.findall(r"`([a-zA-Z_/0-9]+(?:\.(?:py|css|csv|yaml|po)|/))`", prose(ROOT / page))
    found = [*ROOT.glob("[a-z]*"), *ROOT.glob("[a-z]*/**/*")]
    files = [f"/{path.relative_to(ROOT).as_posix()}/" for path in found]
    lost = [n for n in named if not any(file.endswith(f"/{n.rstrip('/')}/") for file in files)]

    assert len(named) > least
    assert lost == []


@BOTH
def test_both_languages_have_the_same_structure(pages: dict[str, Path]) -> None:
    """Both languages have the same levels of headings, in the same order."""
    assert [n for n, _ in headings(pages["en"])] == [n for n, _ in headings(pages["zh"])]


def test_references_have_the_same_tables() -> None:
    """Parameters, commands and settings: each row of one stands in the other, in order."""

    def code(language: str) -> list[list[str]]:
        return [re.findall(r"`([^`]+)`", cell) for cell in first_cells(REFERENCES[language])]

    assert code("zh") == code("en")
    assert sum(map(bool, code("zh"))) > 70


def test_references_say_the_same_of_providers() -> None:
    """The Chinese table of providers is the declared one, word by word."""

    def rows(language: str) -> list[str]:
        lines = re.findall(r"^\| `.*$", prose(REFERENCES[language]), re.MULTILINE)
        return [line for line in lines if line.split("`")[1] in provider_names()]

    told = [" | ".join(OFFERS.get(cell, cell) for cell in row.strip("| ").split(" | ")) for row in rows("en")]
    told = [row.replace("may need", "可能还需").replace("up to", "最多") for row in told]

    assert [row.strip("| ") for row in rows("zh")] == told
    assert len(told) >= 5


@BOTH
def test_both_languages_have_the_same_code(pages: dict[str, Path]) -> None:
    """Commands and parameter files are printed alike, but for what is said about them."""

    def code(language: str) -> list[str]:
        blocks = FENCE.findall(pages[language].read_text("utf-8"))
        return [re.sub(r" *# .*$", "", block, flags=re.MULTILINE) for block in blocks]

    assert code("zh") == code("en")
