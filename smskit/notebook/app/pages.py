"""What of a notebook is an app's page: its opening and its panels; and the way from page to page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import nbformat
from jinja2 import Template

__all__ = ["STEPS", "Step", "for_the_app"]


class Step(NamedTuple):
    """One page of the app."""

    notebook: str
    zh: str
    en: str
    about_zh: str
    about_en: str


STEPS: Final = (
    Step(
        "01_connect_provider.ipynb",
        "连接供应商",
        "Connect a provider",
        "填写账号，检查签名、模板和余额是否可用。",
        "Enter credentials; check signature, template and balance.",
    ),
    Step(
        "02_explore_segment.ipynb",
        "探索分群",
        "Explore the segment",
        "载入用户分群，查看数据，点选筛选条件。",
        "Load people, look at the data, click a filter together.",
    ),
    Step(
        "03_send_campaign.ipynb",
        "发送活动",
        "Send the campaign",
        "绑定变量，预览短信与费用，测试，确认后发送。",
        "Bind variables, preview texts and cost, test, confirm, send.",
    ),
    Step(
        "04_track_delivery.ipynb",
        "跟踪送达",
        "Track delivery",
        "谁收到了、谁没收到、为什么；导出与后续活动。",
        "Who got it, who did not, and why; export and follow up.",
    ),
)


def for_the_app(notebook: Any, name: str) -> Any:
    """
    The notebook as a page: parameters, opening call and cells tagged ``interactive``, with links on top.

    Plain steps are for people who write code; here they would only cost time, and
    an error in one of them would stand in the page. The text in front of a step
    goes with it. A notebook that has no interactive cell stays as it is.

    Args:
        name: Its file name, for the links.
    """
    cells = notebook.cells
    if not any("interactive" in _tags(cell) for cell in cells):
        return notebook
    kept: list[Any] = []
    texts: list[Any] = []
    for number, cell in enumerate(cells):
        if cell.cell_type != "code":
            texts.append(cell)
            continue
        if _is_shown(cell):
            kept += [*texts, cell]
        elif number == 0 or not kept:
            kept += texts
        texts = []
    return nbformat.from_dict({**notebook, "cells": [_links(name), *kept]})


def _tags(cell: Any) -> list[str]:
    return list(cell.metadata.get("tags", ()))


def _is_shown(cell: Any) -> bool:
    return bool({"parameters", "interactive"} & set(_tags(cell))) or "smskit.open_" in cell.source


def _links(name: str) -> Any:
    words = (Path(__file__).parent / "templates" / "links.html").read_text(encoding="utf-8")
    return nbformat.v4.new_markdown_cell(Template(words, autoescape=True).render(steps=STEPS, name=name))
