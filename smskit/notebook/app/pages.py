"""What of a notebook is an app's page, in which words, and the way from page to page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple

import nbformat
from jinja2 import Environment, FileSystemLoader

from smskit.i18n import LANGUAGES, NAMES, Language, mark

__all__ = [
    "COOKIE",
    "STEPS",
    "TEMPLATES",
    "InBoth",
    "Step",
    "for_the_app",
    "parts_of_a_page",
    "words_of_pages",
]

TEMPLATES: Final = Path(__file__).parent / "templates"
COOKIE: Final = "smskit-language"  # written by the pages, and read where a page's kernel is started


class Step(NamedTuple):
    """One page of the app."""

    notebook: str
    title: str
    about: str


STEPS: Final = (
    Step(
        "00_start.ipynb",
        mark("Campaigns"),
        mark("All campaigns, what is unfinished, providers, and what runs next."),
    ),
    Step(
        "01_connect_provider.ipynb",
        mark("Connect a provider"),
        mark("Enter credentials; check signature, template and balance."),
    ),
    Step(
        "02_explore_segment.ipynb",
        mark("Explore the segment"),
        mark("Load people, look at the data, click a filter together."),
    ),
    Step(
        "03_send_campaign.ipynb",
        mark("Send the campaign"),
        mark("Bind variables, preview texts and cost, test, confirm, send."),
    ),
    Step(
        "04_track_delivery.ipynb",
        mark("Track delivery"),
        mark("Who got it, who did not, and why; export and follow up."),
    ),
    Step(
        "05_measure_effect.ipynb",
        mark("Measure the effect"),
        mark("What a campaign brought, against the people it kept back."),
    ),
)


@dataclass(frozen=True)
class InBoth:
    """
    A sentence in both languages, of which a page shows the one that its visitor chose.

    >>> InBoth("Home").__html__()
    '<span class="smskit-zh" lang="zh-CN">首页</span><span class="smskit-en" lang="en">Home</span>'
    """

    text: str

    def __html__(self) -> str:
        """As Jinja puts it into a page."""
        codes = {"zh": "zh-CN", "en": "en"}
        return "".join(
            f'<span class="smskit-{code}" lang="{codes[code]}">{escape(Language(code)(self.text))}</span>'
            for code in LANGUAGES
        )


def words_of_pages(language: str) -> Mapping[str, Any]:
    """
    What the templates of pages go by.

    Args:
        language: That of a visitor who has chosen none.
    """
    steps = {step.notebook: step for step in STEPS}
    return {"t": InBoth, "steps": steps, "languages": NAMES, "language": language, "cookie": COOKIE}


def parts_of_a_page(language: str) -> Mapping[str, str]:
    """What stands around the cells of a notebook, as HTML: by ``language``, ``nav`` and ``failed``."""
    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    told = {**words_of_pages(language), "steps": STEPS}
    return {name: made.get_template(f"{name}.html").render(told) for name in ("language", "nav", "failed")}


def for_the_app(notebook: Any, name: str, language: str) -> Any:
    """
    The notebook as a page: parameters, opening call and cells tagged ``interactive``.

    Plain steps and the text of notebooks are for people who write code; here they
    would only cost time, and an error in one of them would stand in the page. A
    notebook that has no interactive cell stays as it is.

    Args:
        name: Its file name.
        language: That of the page's title.
    """
    if not any("interactive" in _tags(cell) for cell in notebook.cells):
        return notebook
    title = next((Language(language)(step.title) for step in STEPS if step.notebook == name), "smskit")
    return nbformat.from_dict(
        {
            **notebook,
            "cells": [cell for cell in notebook.cells if cell.cell_type == "code" and _is_shown(cell)],
            "metadata": {**notebook.metadata, "title": title},
        }
    )


def _tags(cell: Any) -> list[str]:
    return list(cell.metadata.get("tags", ()))


def _is_shown(cell: Any) -> bool:
    return bool({"parameters", "interactive"} & set(_tags(cell))) or "smskit.open_" in cell.source
