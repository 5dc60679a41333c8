"""
The pictures of the guide: a person's way through all four notebooks, in both languages.

`make pictures` clicks through a real JupyterLab, on a copy of the project, and
saves what it sees into docs/pictures/<language>/. A simulator stands in for
Yunpian, first as the notebooks' own rehearsal, then as if it were the provider.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from smskit.i18n import LANGUAGES
from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.reporting import frames
from smskit.simulator import FaultPlan, Simulator, World
from tests import live
from tests.conftest import ROOT
from tests.e2e.lab import PATIENCE_MS, Lab, Sheet, chromium, project_copy, window
from tests.e2e.test_effect import sent
from tests.e2e.walk import Walk

PICTURES = ROOT / "docs" / "pictures"
WIDTH, HEIGHT = 1280, 6000  # tall: Chromium draws only what is in the window
_COLOURS = 128
_EDGE = 8
# Slow enough to be paused in the middle, and what is unknown stays so while it is looked at.
_SLOWLY = {
    "SMSKIT_YUNPIAN_BATCH_SIZE": "1",
    "SMSKIT_YUNPIAN_CONCURRENCY": "4",
    "SMSKIT_YUNPIAN_RECORD_LAG_S": "600",
}
PARTS = ("connect", "explore", "send", "account", "live", "track", "effect")  # in the order a person goes
# What goes wrong at the provider once messages are real: some numbers fail, some answers get lost.
_TROUBLE = {
    "seed": 8,
    "latency_s": 1.0,
    "faults": [
        {"kind": "drop_before_accept", "rate": 0.05},
        {"kind": "code", "code": 10, "rate": 0.03},
    ],
    "receipts": {"delay_s": [0.1, 6], "fail_rate": 0.12},
    "replies": {"rate": 0.04, "texts": ["TD", "谢谢"], "delay_s": [0.1, 3]},
}


class Photographer(Walk):
    """A walk of which pictures are taken."""

    def shoot(self, name: str, *parts: Locator) -> None:
        """Save what *parts* cover together; without any, the window as a person has it."""
        self.rest()
        self.page.mouse.move(1, 1)
        self.page.evaluate("() => document.activeElement?.blur()")  # no frame around what was clicked last
        where = PICTURES / self.code / f"{name}.png"
        if not parts:
            self.page.set_viewport_size({"width": WIDTH, "height": 800})
            self.rest(300)
            taken = self.page.screenshot()
            self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        else:
            taken = self.page.screenshot(clip=_around([box for p in parts if (box := p.bounding_box())]))
        _save(taken, where)


def _around(boxes: list[Any]) -> Any:
    left, top = min(b["x"] for b in boxes) - _EDGE, min(b["y"] for b in boxes) - _EDGE
    right = max(b["x"] + b["width"] for b in boxes) + _EDGE
    bottom = max(b["y"] + b["height"] for b in boxes) + _EDGE
    return {"x": max(left, 0), "y": max(top, 0), "width": right - left, "height": bottom - top}


def _save(png: bytes, where: Path) -> None:
    """A screen has few colours: a palette makes the file a third as large."""
    where.parent.mkdir(parents=True, exist_ok=True)
    image = Image.open(BytesIO(png)).convert("RGB")
    image.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(where, optimize=True)
    print(f"{where.relative_to(ROOT)}  {where.stat().st_size // 1024} KB", flush=True)


# The whole way in a few pictures: upload, filter, message, rehearsal, who got it.
_WAY = ("02-load", "02-filter", "02-people", "03-message", "03-preview", "03-sent", "04-books")
_STAGE, _PAUSE_MS = (1000, 560), 2200


def film(code: str) -> None:
    """The way as a GIF, from the pictures there are; each is shown as large as it fits."""
    shots = []
    for name in _WAY:
        frame = Image.new("RGB", _STAGE, "white")
        picture = Image.open(PICTURES / code / f"{name}.png").convert("RGB")
        picture.thumbnail(_STAGE, Image.Resampling.LANCZOS)
        frame.paste(picture, ((_STAGE[0] - picture.width) // 2, (_STAGE[1] - picture.height) // 2))
        shots.append(frame.quantize(_COLOURS // 2, dither=Image.Dither.NONE))
    where = PICTURES / code / "way.gif"
    shots[0].save(where, save_all=True, append_images=shots[1:], duration=_PAUSE_MS, loop=0, optimize=True)
    print(f"{where.relative_to(ROOT)}  {where.stat().st_size // 1024} KB", flush=True)


class Tour:
    """Everything in one language, on one copy of the project."""

    def __init__(self, browser: Browser, lab: Lab, code: str, provider: Simulator) -> None:
        self.browser, self.lab, self.code, self.provider = browser, lab, code, provider

    @contextmanager
    def at(self, notebook: str) -> Iterator[Photographer]:
        """Sit down at a notebook and run its cells, as *Run all* does."""
        page: Page = window(self.browser, WIDTH).new_page()
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        sheet = Sheet(self.lab, page).open(f"notebooks/{notebook}.ipynb")
        if not sheet.run_all():
            print(f"{notebook}: a cell failed", file=sys.stderr)
        try:
            yield Photographer(sheet, self.code)
        finally:
            sheet.close()
            page.context.close()

    def connect(self) -> None:
        """01, without an account: the simulator answers."""
        with self.at("01_connect_provider") as walk:
            walk.shoot("01-notebook")
            walk.click("Try with the simulator")
            expect(walk.panel.locator(".smskit-verdict")).to_contain_text(walk.t("Usable"))
            walk.shoot("01-check", walk.card("Check"))
            walk.click("List those of the simulator")
            walk.rest(2500)
            for label in ("Signature", "Template"):
                walk.field(label).select_option(index=1)
            walk.rest()
            walk.shoot("01-choose", walk.card("Signature, template, phone column"))
            walk.click("Save parameters")
            walk.rest()

    def account(self) -> None:
        """01, with an account: a mistyped key, then the right one."""
        with self.at("01_connect_provider") as walk:
            for key, name in (("0" * 32, "01-not-usable"), (live.YUNPIAN_KEY, "01-usable")):
                walk.fill("API key *", key)
                if name == "01-not-usable":
                    obtain = walk.card("Credentials")
                    walk.shoot("01-key", obtain)
                walk.click("Save")
                walk.rest(1500)
                walk.click("Check")
                walk.rest(3000)
                walk.shoot(name, walk.card("Check"))
            walk.shoot("01-states", walk.card("Providers"))

    def explore(self) -> None:
        """02: a sample segment, two rules, its people."""
        with self.at("02_explore_segment") as walk:
            files = walk.field("Files here")
            files.select_option(f"{walk.t('sample: ')}messy.csv")
            expect(walk.panel.locator(".smskit-notice.ok").first).to_contain_text("messy.csv")
            walk.tab("Filter")
            for number, column, op in ((1, "level", "is one of"), (2, "city", "is not")):
                walk.click("Add rule")
                walk.pick(f"{walk.t('Column')} {number}", column)
                walk.pick(f"{walk.t('Condition')} {number}", walk.t(op))
            walk.click("Choose…")
            ticks = walk.panel.locator(".smskit-ticks .widget-checkbox input")
            expect(ticks.first).to_be_visible()
            for n, words in enumerate(walk.panel.locator(".smskit-ticks .widget-checkbox").all_inner_texts()):
                if not words.strip().startswith("normal"):
                    ticks.nth(n).check()
            walk.click("Done")
            city = walk.panel.get_by_label(f"{walk.t('Value')} 2", exact=True)
            city.fill("上海")
            city.press("Tab")
            walk.rest(2000)
            walk.shoot("02-load", walk.card("Segment"))
            walk.shoot("02-filter", walk.panel.locator(".smskit-funnel").first, walk.tabs())
            walk.shoot("02-people", walk.card("People"))
            walk.tab("Overview")
            walk.rest(2000)
            walk.shoot("02-look", walk.tabs())
            walk.tab("Save")
            walk.fill("Campaign id", "vip-2026-11")
            walk.click("Save parameters")
            walk.rest(1500)
            walk.shoot("02-save", walk.tabs())

    def send(self) -> None:
        """03: a rehearsal, from the message to its end."""
        with self.at("03_send_campaign") as walk:
            expect(walk.doing("rehearse")).to_be_enabled()
            walk.rest(2000)
            walk.shoot("03-message", walk.card("Campaign"), walk.card("Message"))
            walk.shoot("03-preview", walk.card("Preview"))
            walk.shoot("03-cost", walk.card("Parts and cost"))
            walk.click("invalid number")
            walk.rest()
            walk.shoot("03-left-out", walk.card("Who gets no message, and why"))
            walk.card("Check").get_by_role("button").click()
            expect(walk.card("Check")).to_contain_text(walk.t("Usable"))
            walk.fill("Test phones", "13800000000")
            walk.tick("Send to these numbers")
            walk.click("Send test")
            expect(walk.card("Test send").locator("table")).to_be_visible()
            walk.shoot("03-check", walk.card("Check"), walk.card("Test send"))
            walk.doing("rehearse").click()
            expect(walk.button("Plan another campaign")).to_be_visible(timeout=120_000)
            walk.shoot("03-sent", walk.card("Send"))

    def live(self) -> None:
        """03 again, for real: a number to type, a pause, some trouble at the provider."""
        self.provider.world.set_faults(FaultPlan.parse(_TROUBLE))
        with self.at("03_send_campaign") as walk:
            walk.field("Mode").select_option(walk.t("live"))
            walk.panel.get_by_text(walk.t("Rules for sending")).click()
            walk.fill("Send window", "")  # pictures are taken at any hour
            walk.fill("to", "")
            walk.rest(4000)
            walk.doing("ask").click()
            expect(walk.card("Send").locator(".smskit-notice.error")).to_be_visible()
            walk.shoot("03-ask-live", walk.card("Send"))
            asked = walk.card("Send").locator(".smskit-notice.error").inner_text()
            people = re.search(r"\d[\d,]*", asked)
            assert people is not None
            walk.fill("Number of people", people[0])
            walk.doing("send").click()
            expect(walk.card("Send").locator(".smskit-tile.ok b")).not_to_have_text("0")
            walk.click("Pause")
            expect(walk.button("Go on")).to_be_visible()
            walk.shoot("03-paused", walk.card("Send"))
            walk.click("Go on")
            expect(walk.card("Send")).to_contain_text(walk.t("finished"), timeout=180_000)
            walk.shoot("03-unknown", walk.card("Send"))
        self.provider.world.set_faults(FaultPlan.parse({"receipts": _TROUBLE["receipts"]}))

    def track(self) -> None:
        """04, of a campaign with some trouble."""
        with self.at("04_track_delivery") as walk:
            walk.tab("More")
            walk.panel.get_by_role("button", name=re.compile(rf"{walk.t('Unknown')} \(")).first.click()
            expect(walk.tabs().locator(f"table[aria-label='{walk.t('Unknown')}']")).to_be_visible()
            walk.shoot("04-unknown", walk.tabs())
            walk.click("Fetch receipts now")
            expect(walk.panel.locator(".smskit-notice.ok").last).to_be_visible()
            walk.rest(3000)
            walk.tab("Trend")
            walk.shoot("04-books", walk.card("Track delivery"), walk.tabs())
            walk.tab("Failures")
            walk.shoot("04-failures", walk.tabs())
            walk.fill("User id or phone", self.somebody_undelivered())
            walk.click("Why?")
            walk.rest(2000)
            walk.shoot("04-why", walk.card("Track delivery"))
            walk.tab("More")
            walk.click("Follow-up")
            walk.shoot("04-follow-up", walk.tabs())
            walk.sheet.theme(dark=True)
            walk.tab("Failures")
            walk.shoot("04-dark", walk.card("Track delivery"), walk.tabs())
            walk.sheet.theme(dark=False)  # JupyterLab keeps it for the notebooks after this

    def effect(self) -> None:
        """05, of a campaign that brought something."""
        sent(self.lab.root)
        with self.at("05_measure_effect") as walk:
            walk.field("Files here").select_option("orders.csv")
            column = walk.panel.get_by_label(walk.t("Time column"), exact=True)
            expect(column).to_have_value("paid_at")
            walk.click("Measure")
            brought = walk.panel.get_by_role("heading", name=walk.t("What it brought"), exact=True)
            expect(brought).to_be_visible()
            walk.shoot("05-asked", walk.card("Measure the effect"))
            walk.shoot("05-effect", walk.card("What it brought"))
            walk.shoot("05-time", walk.card("Over time"))

    def somebody_undelivered(self) -> str:
        """The user id of somebody whose message did not arrive."""
        ledger = Ledger(f"sqlite:///{self.lab.root / 'smskit.db'}")
        try:
            row = ledger.campaigns.get("vip-2026-11", Mode.LIVE)
            assert row is not None
            people = pd.concat(list(frames.messages(ledger, row)))
        finally:
            ledger.close()
        return str(people.loc[people["state"] == "undelivered", "user_id"].iloc[0])


def main(names: list[str]) -> None:
    """Take all pictures, or those of the parts and languages that are named."""
    parts = [part for part in PARTS if part in names] or list(PARTS)
    codes = [code for code in LANGUAGES if code in names] or LANGUAGES
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as browser:
        for code in codes:
            with tempfile.TemporaryDirectory() as folder, Simulator(world=World()) as provider:
                live.approve(provider, live.SINGLES)
                root, state = Path(folder, "project"), Path(folder, "jupyter")
                root.mkdir()
                state.mkdir()
                environ = {"SMSKIT_LANG": code, "SMSKIT_YUNPIAN_BASE_URL": provider.url} | _SLOWLY
                with Lab(project_copy(root), state, environ) as lab:
                    tour = Tour(browser, lab, code, provider)
                    for part in parts:
                        getattr(tour, part)()
            film(code)


if __name__ == "__main__":
    main(sys.argv[1:])
