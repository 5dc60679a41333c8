"""``TestSendPanel``: is the provider usable, and one message to one's own phone."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w
import pandas as pd

from smskit.audience.phones import mask
from smskit.i18n import mark
from smskit.ledger import CampaignRow
from smskit.models import CheckResult, Mode
from smskit.notebook.display import findings_table
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import card, chip, field, frame_table, html, notice, pair, row, title
from smskit.notebook.panels.send.base import SendPart
from smskit.notebook.send_model import SendModel
from smskit.planning.phones_for_tests import is_reference
from smskit.planning.preview import Sample, rows_of
from smskit.reporting import frames
from smskit.reporting.delivery import HEADINGS
from smskit.sending.campaign import Outcome
from smskit.workspace import may_send_in

__all__ = ["TestSendPanel"]

_REALITY = {
    Mode.PLAN: (mark("Mode plan: nothing is sent."), "info"),
    Mode.REHEARSE: (mark("Rehearsal: no SMS comes to any phone, the simulator answers."), "info"),
    Mode.LIVE: (mark("A real SMS comes to each number, and is billed."), "warn"),
}


class TestSendPanel(SendPart):
    """Check, and test send. Both ask the provider in the background."""

    def __init__(self, page: Page, model: SendModel) -> None:
        super().__init__(page, model)
        self.result: CheckResult | None = None
        self.tested: tuple[Outcome, CampaignRow] | None = None
        self.longest = False  # test with the longest message, not the first
        self._testing = False
        self._findings, self._numbers, self._outcome = html(""), html(""), html("")
        self._reality, self._test = html(""), w.Button()
        page.follow(lambda names: self.show_plan() if "mode" in names else None)

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        check = self.button(t("Check"), self.check, style="primary")
        phones = field(w.Text, t("Test phones"), value="", placeholder="138…, 139…", continuous_update=False)

        def take() -> None:
            # Widget values are saved with the notebook, so the numbers do not stay in one.
            typed, phones.value = phones.value, ""
            if typed.strip():
                self.take(typed)

        phones.observe(self.attempt(take), "value")
        which = field(
            w.Dropdown,
            t("Whose message"),
            options=[(t("the first one"), False), (t("the longest one"), True)],
            value=self.longest,
        )
        which.observe(self.attempt(lambda: setattr(self, "longest", which.value)), "value")
        self._agreed = w.Checkbox(description=t("Send to these numbers"), value=False, indent=False)
        self._agreed.layout.width = "auto"
        self._test = self.button(t("Send test"), self.test)
        self._show_findings()
        self._show_numbers()
        self._show_outcome()
        self.show_plan()
        return [
            card(title(t("Check"), t("Asks the provider; sends nothing.")), row(check), self._findings),
            card(
                title(t("Test send"), t("Numbers are kept for this session only, and in no file.")),
                self._reality,
                pair(phones, which),
                self._numbers,
                row(self._agreed, self._test),
                self._outcome,
            ),
        ]

    def show_plan(self) -> None:
        """Say whether a test is a real message."""
        words, kind = _REALITY[Mode(self.page.draft["mode"])]
        self._reality.value = notice(self.t(words), kind)
        self._offer_test()

    def _offer_test(self) -> None:
        self._test.disabled = self._testing
        self.only_for(may_send_in(Mode(self.page.draft["mode"])), self._test)

    # -- check -----------------------------------------------------------------------------

    def check(self) -> None:
        """Ask the provider whether this set-up is usable."""
        if Mode(self.page.draft["mode"]) is Mode.PLAN:
            self.tell(lambda t: t("Mode plan: asked of the live account."))
        else:
            self.tell(lambda t: t("Asking the provider…"))
        self.start("check", self.model.check, self._checked)

    def _checked(self, result: CheckResult) -> None:
        self.result = result
        self.tell("")
        self._show_findings()

    def _show_findings(self) -> None:
        t, result = self.t, self.result
        if result is None:
            self._findings.value = ""
            return
        usable = chip(t("Usable"), "ok") if result.usable else chip(t("NOT usable"), "bad")
        self._findings.value = usable + frame_table(findings_table(result, t), label=t("Check"))

    # -- test --------------------------------------------------------------------------------

    def take(self, typed: str) -> None:
        """Take over the numbers to test with."""
        self.tell("")
        self._agreed.value = False
        try:
            self.model.take_test_phones(typed)
        finally:
            self._show_numbers()

    def test(self) -> None:
        """Send the test, once: a second click while it is under way does nothing."""
        if self._testing:
            return
        if not self._agreed.value:
            self.tell(lambda t: t("Tick the box first: a test is a real message in live mode."), "warn")
            return
        plan = self.model.planning.plan
        source = (
            int(rows_of(plan, Sample.LONGEST, count=1)[0]) if plan and self.longest and plan.planned else None
        )
        self._testing = True
        self._agreed.value = False
        self._offer_test()
        self.tell(lambda t: t("Sending the test…"))
        self.start("test", lambda: self._run(source), self._tested)

    def _run(self, source: int | None) -> tuple[Outcome, CampaignRow]:
        try:
            return self.model.test(row=source)
        finally:
            self._testing = False
            self._offer_test()

    def _tested(self, tested: tuple[Outcome, CampaignRow]) -> None:
        self.tested = tested
        self.tell("")
        self._show_outcome()

    def _show_numbers(self) -> None:
        phones = self.page.draft["test_phones"]
        chips = " ".join(chip(p if is_reference(p) else mask(p)) for p in map(str, phones))
        self._numbers.value = chips or notice(self.t("No number yet."))

    def _show_outcome(self) -> None:
        if self.tested is None:
            self._outcome.value = ""
            return
        _, ledger_row = self.tested
        frame = pd.concat(list(frames.messages(self.model.ledger, ledger_row)))
        shown = frame[["phone", "state", "text", "parts"]].assign(
            state=[self.t(state) for state in frame["state"]],
            code=frame["provider_code"],
            said=[self.t.said(text) for text in frame["provider_detail"]],
        )
        heads = {name: self.t(words) for name, words in HEADINGS.items()}
        self._outcome.value = frame_table(shown, headings=heads, label=self.t("Test send"))
