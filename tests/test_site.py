"""The docs site: strict, with every page and every public name, and without a request to another host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import smskit
from tests.conftest import ROOT

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it; a broken link or anchor fails it."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(target)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return target


def test_nothing_is_asked_of_other_hosts(site: Path) -> None:
    """Scripts, styles, pictures and fonts come from the site itself."""
    asked = re.compile(r"<(?:script|link|img|iframe)[^>]*?(?:src|href)=\"?((?:https?:)?//[^\s\">]+)")
    pages = list(site.rglob("*.html"))
    styles = [path.read_text("utf-8") for path in site.rglob("*.css")]

    assert len(pages) > 30
    assert {url for page in pages for url in asked.findall(page.read_text("utf-8"))} == set()
    assert [
        url for text in styles for url in re.findall(r"(?:@import|url\()\s*['\"]?https?://[^'\")]+", text)
    ] == []


def test_every_picture_is_there(site: Path) -> None:
    """Pictures of pages from outside docs/ are found from where those pages land."""
    lost = []
    for page in site.rglob("*.html"):
        for source in re.findall(r"<img[^>]*? src=\"?([^\s\">]+)", page.read_text("utf-8")):
            if not (page.parent / source).exists() and page.name != "404.html":
                lost.append(f"{page.relative_to(site)}: {source}")

    assert lost == []


def test_every_public_name_is_described(site: Path) -> None:
    """The API reference has an entry for each name of ``smskit.__all__`` but the version."""
    text = (site / "api" / "index.html").read_text("utf-8")
    headings = set(re.findall(r"<h3 id=\"?[\w.]*?\.(\w+)", text))

    assert set(smskit.__all__) - headings - {"__version__"} == set()
