"""
What a notebook shows: each step of a campaign as one call with one readable result.

Shows and asks, decides nothing. Results are plain tables and SVG pictures, so
they look the same in JupyterLab, in papermill's output and in an HTML report.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

import pandas as pd

from smskit import report
from smskit.campaign import Campaign, Outcome
from smskit.doctor import examine
from smskit.engine import Progress
from smskit.errors import CampaignPaused, GuardRefused
from smskit.models import Mode
from smskit.plan import Plan
from smskit.providers import provider_class
from smskit.sample import campaign_data
from smskit.session import Fetched, fetch, open_campaign
from smskit.settings import Environment
from smskit.spec import CampaignSpec, injected_parameters

SUMMARY_TYPE = "application/vnd.smskit.summary+json"
_FETCH_WAIT_S = 20.0


def open_notebook(namespace: Mapping[str, Any]) -> Notebook:
    """
    Start a campaign notebook from its parameters; the first call after the parameters cell.

    Without any parameter it rehearses the sample segment, which messages nobody.

    Args:
        namespace: ``globals()`` of the notebook.

    Raises:
        SpecError: a parameter is unknown, missing or out of range; nothing was read or sent.
    """
    if not (namespace.get("campaign") or namespace.get("segment") or injected_parameters(namespace)):
        name = f"sample-{datetime.now():%Y%m%d-%H%M%S}"
        _say(
            f"No parameters were given: this rehearses the sample segment as {name} 未给参数，演练示例分群。"
        )
        return Notebook(open_campaign(CampaignSpec.from_data(campaign_data(name))), may_send=True)
    spec = CampaignSpec.from_notebook(namespace)
    return Notebook(open_campaign(spec), may_send=_runs_by_itself(namespace))


class Notebook:
    """
    A campaign with every step shown.

    Args:
        may_send: Whether ``send()`` sends in live mode without being told to:
            true under papermill, false where a person runs the cells.
    """

    def __init__(self, campaign: Campaign, *, may_send: bool) -> None:
        self.campaign = campaign
        self._may_send = may_send

    def __repr__(self) -> str:
        return f"Notebook({self.campaign!r})"

    def parameters(self) -> None:
        """Show the parameters as they were understood."""
        spec = self.campaign.spec
        rows = {k: v for k, v in spec.to_data().items() if k != "test_phones"}
        rows |= {"mode": str(spec.mode), "test_phones": f"{len(spec.test_phones)} numbers"}
        _show(pd.DataFrame({"parameter 参数": list(rows), "value 值": [str(v) for v in rows.values()]}))

    def plan(self) -> Plan | None:
        """
        Show who gets what: the waterfall, the cost, the hash, and what a run would refuse.

        When an earlier run has frozen the audience, that is shown instead: it
        is what this run goes on with.
        """
        row = self.campaign.started()
        if row is not None:
            _show(books_table(report.status(self.campaign.ledger, row)))
            _say(f"Started before 已开始: plan {row.plan_hash}, state {row.state}. This run goes on with it.")
            return None
        plan = self.campaign.plan()
        waterfall = plan.waterfall()
        _show(waterfall.rename(columns=_WATERFALL))
        _show_svg(waterfall_svg(waterfall))
        _say(
            f"{plan.planned} people 人, {plan.total_parts} parts 条, about {plan.cost} yuan 元. "
            f"Plan hash 计划指纹: {plan.hash}"
        )
        for notice in plan.notices:
            _say(f"Notice 提示: {notice}")
        for problem in self.campaign.guards():
            _say(f"A run would be refused 运行会被拒绝: {problem}")
        self._complain(plan)
        return plan

    def _complain(self, plan: Plan) -> None:
        """One line for each thing in the template that the provider refuses, with its rule."""
        spec, provider = self.campaign.spec, provider_class(self.campaign.spec.provider)
        found = examine(plan.template, spec.message_class, provider.template_rules, form=provider.form)
        for complaint in (c for c in found if c.severe):
            _say(f"{provider.title} would not pass 不会通过: {complaint.what}. {complaint.rule}")

    def preview(self, count: int = 5) -> None:
        """Show the first messages, the longest one, and one row for each reason to be left out."""
        if self.campaign.started() is None:
            _show(
                self.campaign.plan().preview(count)[["user_id", "phone", "state", "reason", "text", "parts"]]
            )

    def check(self) -> None:
        """
        Ask the provider whether this set-up is usable; in mode ``plan`` nobody is asked.

        Not usable is shown here and refused by ``send``.
        """
        if self.campaign.spec.mode is Mode.PLAN:
            _say("Mode plan: the provider is not asked 仅计划，不检查供应商。")
            return
        result = self.campaign.check()
        _show(
            pd.DataFrame(
                [(f.what, "✓" if f.ok else "✗", f.code, f.meaning, f.next_step) for f in result.findings],
                columns=["check 检查", "ok", "code 状态码", "meaning 含义", "next step 下一步"],
            )
        )
        _say("Usable 可用" if result.usable else "NOT usable 不可用")

    def send(self, *, confirm: str = "") -> None:
        """
        Send, once, and show the books. In mode ``plan`` nothing is sent.

        Under papermill it sends. Where a person runs the cells, a live campaign
        is sent only when ``confirm`` repeats the plan hash.

        Raises:
            SmskitError: refused, or stopped with people still waiting; the cell fails.
        """
        spec = self.campaign.spec
        if spec.mode is Mode.PLAN:
            _say("Mode plan: nothing is sent 仅计划，不发送。")
            return
        if spec.mode is Mode.LIVE and not self._may_send and not self._confirmed(confirm, "send"):
            return
        outcome = self._send_with_bar()
        row = self.campaign.started()
        if row is not None:
            _show(books_table(report.status(self.campaign.ledger, row)))
        if outcome.note:
            _say(outcome.note)

    def test(self, *, confirm: str = "") -> None:
        """
        Send the first planned message to each of ``test_phones``; nothing where there are none.

        Only before the campaign itself starts, so that a run that goes on does not test again.
        ``confirm`` is needed where ``send`` needs it.
        """
        spec = self.campaign.spec
        if spec.mode is Mode.PLAN or not spec.test_phones or self.campaign.started() is not None:
            _say("No test send 未测试发送。")
            return
        if spec.mode is Mode.LIVE and not self._may_send and not self._confirmed(confirm, "test"):
            return
        outcome = self.campaign.test_send()
        row = self.campaign.ledger.campaign(outcome.campaign, outcome.mode)
        if row is not None:
            _show(books_table(report.status(self.campaign.ledger, row)))

    def _confirmed(self, confirm: str, step: str) -> bool:
        row = self.campaign.started()
        wanted = row.plan_hash if row is not None else self.campaign.plan().hash
        if confirm == wanted:
            return True
        if confirm:
            raise GuardRefused(f"nothing was sent: the plan is {wanted}, not {confirm}")
        _say(f'Not sent 未发送. To send for real 正式发送: run.{step}(confirm="{wanted}")')
        return False

    def _send_with_bar(self) -> Outcome:
        from tqdm.auto import tqdm

        bar: Any = None

        def progress(now: Progress) -> None:
            nonlocal bar
            done = now.accepted + now.refused + now.unknown
            if bar is None:
                bar = tqdm(
                    total=done + now.left, unit="msg", desc=self.campaign.spec.campaign, file=sys.stdout
                )
            bar.n = done
            bar.set_postfix(refused=now.refused, unknown=now.unknown)

        try:
            return self.campaign.send(progress=progress)
        finally:
            if bar is not None:
                bar.close()

    def receipts(self, *, wait_s: float = _FETCH_WAIT_S) -> None:
        """
        Fetch receipts and replies, settle unknowns, and show the books.

        Args:
            wait_s: In a rehearsal, how long to wait for the last receipts; a live
                campaign is asked once, since carriers take minutes and days.
        """
        import time

        row = self.campaign.started()
        if row is None:
            _say("Nothing was sent, so there are no receipts 未发送，没有状态报告。")
            return
        end = time.monotonic() + (wait_s if row.mode is Mode.REHEARSE else 0.0)
        while True:
            fetched: Fetched = fetch(self.campaign.ledger, [row])
            if not fetched.awaiting or time.monotonic() >= end:
                break
            time.sleep(0.5)
        _show(books_table(report.status(self.campaign.ledger, row)))
        for problem in fetched.settled.problems:
            _say(problem)

    def summary(self) -> None:
        """
        Show the result, also as data for programs, and fail when it is incomplete.

        Raises:
            CampaignPaused: people are still waiting.
        """
        ledger, spec = self.campaign.ledger, self.campaign.spec
        row = self.campaign.started() or ledger.campaign(spec.campaign, Mode.PLAN)
        if row is None:
            _say("Nothing was sent 未发送。")
            return
        status = report.status(ledger, row)
        _show_data(status)
        if row.mode is not Mode.PLAN and (status["waiting"] or status["submitting"]):
            raise CampaignPaused(
                f"campaign {row.name} is not complete: {status['waiting']} people are still waiting"
            )


def books_table(status: Mapping[str, Any]) -> pd.DataFrame:
    """The books as a table: what is counted, in both languages, and how many."""
    rows = [(label, status[name]) for name, label in _BOOKS.items() if name in status]
    rows[1:1] = [(f"— {reason}", n) for reason, n in status["excluded"].items()]
    return pd.DataFrame(rows, columns=["books 账目", "n"])


def waterfall_svg(waterfall: pd.DataFrame) -> str:
    """The waterfall as an SVG picture: for each step how many are left and how many it took."""
    import altair as alt
    import vl_convert

    long = waterfall.reset_index(names="order").melt(
        ["order", "step"], ["left", "left_out"], "part", "people"
    )
    long["place"] = (long["part"] == "left_out").astype(int)  # what a step took lies at the end of its bar
    long["part"] = long["part"].map({"left": "left 剩余", "left_out": "left out 排除"})
    chart = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            y=alt.Y("step:N", sort=alt.SortField("order"), title=None, axis=alt.Axis(labelLimit=200)),
            x=alt.X("people:Q", title="people 人数"),
            color=alt.Color(
                "part:N",
                title=None,
                legend=alt.Legend(orient="top"),
                scale=alt.Scale(domain=["left 剩余", "left out 排除"], range=["#2f7d6b", "#e0a458"]),
            ),
            order=alt.Order("place:Q"),
        )
        .properties(width=560, height=alt.Step(20))
    )
    return str(vl_convert.vegalite_to_svg(chart.to_json()))


def _runs_by_itself(namespace: Mapping[str, Any]) -> bool:
    """
    Whether papermill runs this notebook, so that its send cell sends.

    Only papermill injects parameters. Somebody who opens its executed notebook
    in JupyterLab, Voilà or VS Code and runs the cells is a person all the same.
    """
    person = any(name == "JPY_SESSION_NAME" or name.startswith(("VOILA_", "VSCODE_")) for name in os.environ)
    decided = Environment().get("SMSKIT_INTERACTIVE")
    if decided:
        return decided == "0"
    return bool(injected_parameters(namespace)) and not person


def _show(frame: pd.DataFrame) -> None:
    from IPython.display import HTML, display

    # escape=True: names and texts come from the segment and may hold HTML.
    html = frame.to_html(index=False, escape=True, border=0, max_rows=60, justify="left")
    display(HTML(f'<div style="max-width:75em;overflow-x:auto">{_LEFT}{html}</div>'))


def _say(text: str) -> None:
    from IPython.display import HTML, display

    display(HTML(f"<p>{escape(text)}</p>"))


def _show_svg(svg: str) -> None:
    from IPython.display import SVG, display

    display(SVG(svg))


def _show_data(status: Mapping[str, Any]) -> None:
    from IPython.display import display

    display(
        {SUMMARY_TYPE: dict(status), "text/html": books_table(status).to_html(index=False, border=0)},
        raw=True,
    )


# Jupyter sets tables to the right, which suits numbers and nothing else here.
_LEFT = "<style scoped>td, th {text-align: left !important; vertical-align: top}</style>"
_WATERFALL = {"step": "step 步骤", "left_out": "left out 排除", "left": "left 剩余"}
_BOOKS = {
    "segment": "segment 分群",
    "planned": "planned 计划",
    "waiting": "waiting 待发",
    "submitting": "submitting 提交中",
    "accepted": "accepted 已受理",
    "refused": "refused 被拒",
    "unknown": "unknown 未知",
    "delivered": "delivered 送达",
    "undelivered": "undelivered 未送达",
    "awaiting": "awaiting 等待回执",
    "parts": "parts 计费条",
    "cost": "cost, yuan 费用（元）",
}
