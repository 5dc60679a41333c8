"""
What `make docs` adds to mkdocs: pages from outside docs/, and links that hold in the checkout and on a site.

A link to a file that is no page of the site (a script, a folder) becomes its text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
_FENCE = re.compile(r"(^ *```.*?^ *```$)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?P<open>!?\[)(?P<words>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_IMAGE = re.compile(r'(?P<open><img src=")(?P<target>[^"]+)"')


def outside(root: Path = ROOT) -> dict[str, str]:
    """Place in the checkout -> place on the site, of each page that lies outside docs/."""
    top = {path.name: f"{path.stem.lower()}.md" for path in root.glob("*.md")}
    examples = [path.relative_to(root).as_posix() for path in (root / "examples").glob("**/README.md")]
    return top | {"README.md": "index.md", "README.zh.md": "zh/index.md"} | {name: name for name in examples}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside docs/."""
    for source, place in outside().items():
        files.append(File.generated(config, place, content=(ROOT / source).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let the links of a page lead where they lead in the checkout."""
    places = outside()
    sources = {place: source for source, place in places.items()}
    here = page.file.src_uri
    folder = posixpath.dirname(sources.get(here, f"docs/{here}"))
    known = {file.src_uri for file in files}

    def place_of(target: str) -> str | None:
        """Where a link leads on the site; None for what is no part of it."""
        name, mark, anchor = target.partition("#")
        source = posixpath.normpath(posixpath.join(folder, name))
        place = places.get(source) or (source.removeprefix("docs/") if source.startswith("docs/") else None)
        if place not in known:
            return None
        return posixpath.relpath(place, posixpath.dirname(here) or ".") + mark + anchor

    def link(found: re.Match[str]) -> str:
        target = found["target"]
        if re.match(r"\w+:|#", target):
            return found[0]
        place = place_of(target)
        return found["words"] if place is None else f"{found['open']}{found['words']}]({place})"

    def image(found: re.Match[str]) -> str:
        # Raw HTML is not rewritten by mkdocs: from the folder that the page becomes.
        depth = page.url.count("/")
        source = posixpath.normpath(posixpath.join(folder, found["target"])).removeprefix("docs/")
        return f'{found["open"]}{"../" * depth}{source}"'

    parts = _FENCE.split(markdown)
    parts[::2] = [_IMAGE.sub(image, _LINK.sub(link, part)) for part in parts[::2]]
    return "".join(parts)
