"""What the first page shows below its steps: campaigns, unfinished ones first, providers, what runs next."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from jinja2 import Environment, FileSystemLoader
from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.ioloop import IOLoop

from smskit.errors import SmskitError
from smskit.i18n import LANGUAGES, Language
from smskit.ledger import ApprovalRow
from smskit.models import Mode, amount
from smskit.notebook.accounts import AccountStatus
from smskit.notebook.app.pages import TEMPLATES
from smskit.notebook.connect import when
from smskit.notebook.handover import EFFECT, SEND, TRACK, Wanted
from smskit.notebook.home import Home
from smskit.notebook.words import HEADS, LISTED, figure
from smskit.reporting.delivery import MODES, STATES, Figures

__all__ = ["Campaigns", "as_html"]

_MOST = 50  # of the newest, that the first page lists; notebook 00 has all


class Campaigns(JupyterHandler):
    """A piece of the first page, fetched by it once it is there: counting makes nobody wait for the page."""

    @web.authenticated
    async def get(self) -> None:
        """The piece, in both languages."""
        render = f"{self.base_url}voila/render/"
        self.set_header("Cache-Control", "no-store")
        self.finish(await IOLoop.current().run_in_executor(None, as_html, Home(), render))


def as_html(home: Home, render: str) -> str:
    """
    All of it, in both languages, of which the page shows one.

    Args:
        render: Below which address the notebooks are.
    """
    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True)
    template = made.get_template("campaigns.html")
    codes = {"zh": "zh-CN", "en": "en"}
    try:
        found: dict[str, Any] = {
            "seen": home.overview(),
            "accounts": [a for a in home.accounts() if a.status is not AccountStatus.ABSENT],
            "planned": home.upcoming(),
            "waiting": home.waiting(),
        }
    except SmskitError as error:
        found = {"error": error}
    told = {"heads": HEADS, "listed": LISTED, "states": STATES, "modes": MODES, "most": _MOST}
    told |= {"figure": figure, "amount": amount, "when": when, "way": _way(render)}
    told |= {"look": partial(_look, render)}
    told |= {"told": partial(_address, render, TRACK), "brought": partial(_address, render, EFFECT)}
    return "".join(
        f'<div class="smskit-{code}" lang="{codes[code]}">'
        f"{template.render(t=Language(code), render=render, **found, **told)}</div>"
        for code in LANGUAGES
    )


def _address(render: str, notebook: str, each: Figures) -> str:
    """Where that notebook opens with it."""
    return f"{render}{notebook}?{Wanted.of(each.row).query}"


def _look(render: str, plan: ApprovalRow) -> str:
    """Where a plan can be looked at and approved."""
    return f"{render}{SEND}?{Wanted(plan.campaign, Mode.LIVE).query}"


def _way(render: str) -> Callable[[Figures], str]:
    def way(each: Figures) -> str:
        """Where to go on with it, or to follow what is being sent."""
        return _address(render, TRACK if each.state == "running" else SEND, each)

    return way
