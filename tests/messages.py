"""
The catalogue of sentences: found in the code by Babel, kept in the ``.po``, compiled to the ``.mo``.

``python -m tests.messages`` (``make messages``) brings both files up to date and lists what still needs
its Chinese; `tests/test_messages.py` fails until it has it. With folders or files, ``python -m
tests.messages smskit/ledger`` lists the errors there whose sentence is no message.
"""

from __future__ import annotations

import ast
import re
import string
import sys
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import IO

import typer
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from smskit import errors
from smskit.cli import commands
from smskit.cli.help import helped
from smskit.i18n import LOCALE

PO = LOCALE / "zh_CN" / "LC_MESSAGES" / "smskit.po"
MO = PO.with_suffix(".mo")
PACKAGE = LOCALE.parent
# Errors that are made from a sentence and its values; those of providers have facts of their own.
ERRORS = frozenset(
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type)
    and issubclass(kind, errors.SmskitError)
    and not issubclass(kind, errors.ProviderError)
)
KEYWORDS = dict.fromkeys(
    ("t", "mark", "say", "Message", *sorted(ERRORS))
)  # whose first argument is a sentence


def python(file: IO[bytes], *_: object, **__: object) -> Iterator[tuple[int, str, str, list[str]]]:
    """
    Babel's extraction method for our code: (line, function, sentence, comments).

    Babel's own misses calls inside f-strings, and joins the branches of ``a if … else b``.
    """
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in KEYWORDS:
                first = node.args[0]
                branches = (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,)
                for each in branches:
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        yield node.lineno, name, each.value, []


METHODS = [("**.py", python), ("**/templates/*.html", "jinja2"), ("**/templates/*.md", "jinja2")]


def extracted() -> Catalog:
    """What the code says to people, the help of commands included, without translations."""
    found = Catalog(locale="zh_CN")
    for _, _, sentence, _, _ in extract_from_dir(PACKAGE, METHODS, keywords=KEYWORDS):
        found.add(sentence)
    for each in helped(typer.main.get_command(commands.app)):
        found.add(each.help)
    return found


def translated(path: Path = PO) -> Catalog:
    """What the ``.po`` holds."""
    with path.open("rb") as file:
        return read_po(file, locale="zh_CN")


def updated() -> Catalog:
    """The ``.po`` with the code's sentences, and no others."""
    catalog = translated()
    catalog.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    return catalog


def as_po(catalog: Catalog) -> bytes:
    """As it stands in the repository: sorted, without line numbers, so that merges are quiet."""
    file = BytesIO()
    write_po(file, catalog, width=0, no_location=True, sort_output=True)
    return file.getvalue()


def as_mo(catalog: Catalog) -> bytes:
    """As programs read it."""
    file = BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def untranslated(catalog: Catalog) -> Iterator[str]:
    """Sentences without their Chinese."""
    return (str(message.id) for message in catalog if message.id and not message.string)


@cache
def _pieces(language: str) -> frozenset[str]:
    """What stands between the values of sentences in *language*: three words, five characters or more."""
    words = re.compile("[\u4e00-\u9fff]{5,}" if language == "zh" else r"[A-Za-z]+ [a-z]+ [a-z]+")
    sentences = [str(m.string if language == "zh" else m.id) for m in translated() if m.id]
    pieces = (piece.strip() for sentence in sentences for piece, *_ in string.Formatter().parse(sentence))
    return frozenset(piece for piece in pieces if words.search(piece))


def foreign(text: str, language: str) -> list[str]:
    """The sentences of the catalogue's other language that stand in *text*, which is to be in *language*."""
    other = "en" if language == "zh" else "zh"
    return sorted(piece for piece in _pieces(other) if piece in text)


def plain_errors(path: Path) -> Iterator[str]:
    """Where an error of ours is made from what is in no catalogue, such as an f-string."""
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            plain = isinstance(node.args[0], ast.JoinedStr | ast.BinOp) or (
                isinstance(node.args[0], ast.Constant) and node.args[0].value and name not in ERRORS
            )
            if name in kinds and name != "Message" and plain:
                place = f"{path.relative_to(PACKAGE.parent)}:{node.lineno}"
                yield f"{place}: {name}({ast.unparse(node.args[0])[:70]}"


def main() -> None:
    """Update both files."""
    if sys.argv[1:]:
        folders = [Path(name).resolve() for name in sys.argv[1:]]
        files = [f for folder in folders for f in ([folder] if folder.is_file() else folder.rglob("*.py"))]
        print(*(line for file in sorted(files) for line in plain_errors(file)), sep="\n")
        return
    catalog = updated()
    PO.write_bytes(as_po(catalog))
    MO.write_bytes(as_mo(translated()))
    missing = list(untranslated(catalog))
    print(f"{len(catalog)} sentences, {len(missing)} without Chinese in {PO.relative_to(PACKAGE.parent)}")
    print(*missing, sep="\n")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
