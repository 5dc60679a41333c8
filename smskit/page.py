"""
The report of one run: one HTML file that needs nothing else, in 中文 and English, light or dark.

No code, no key, no phone: counts, reasons and the providers' own codes. Reads the
run's record and the ledger; whether and where it is written is decided above.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from smskit.ledger import CampaignRow, Ledger, RunRow
from smskit.models import Mode, State
from smskit.phones import redact

__all__ = ["Failure", "failures", "page", "place_of"]

MOST_FAILURES = 50
_NOT_SENT = (State.REFUSED, State.UNKNOWN, State.UNDELIVERED)
_TAKEN = (State.ACCEPTED, State.DELIVERED, State.UNDELIVERED)
Failure = tuple[str, str, str, str]  # state, reason, the provider's code, its words


def place_of(run: RunRow, folder: Path) -> Path:
    """Where a run's report goes: beside the executed notebook when there is one here, else into *folder*."""
    executed = Path(run.executed)
    if run.executed.endswith(".ipynb") and executed.parent.is_dir():
        return executed.with_suffix(".html")
    at = datetime.fromtimestamp(run.started_at, ZoneInfo("UTC"))
    return folder / f"{run.campaign or 'run'}-{run.mode}-{at:%Y%m%d-%H%M%S}-{run.id}.html"


def failures(ledger: Ledger, row: CampaignRow) -> Counter[Failure]:
    """Planned people who did not get it, or of whom it is not known: how many of each kind."""
    found: Counter[Failure] = Counter()
    for chunk, states in ledger.states(row.id).items():
        rows = np.flatnonzero(np.isin(states, _NOT_SENT))
        if not len(rows):
            continue
        h = ledger.history(row.id, chunk)
        undelivered = states == State.UNDELIVERED
        codes = np.where(undelivered, h.receipt_code, h.code)
        reasons = np.where(undelivered, "", h.reason)
        columns = (states[rows].tolist(), reasons[rows], codes[rows], h.detail[rows])
        counted = Counter(zip(*columns, strict=True))
        for (state, reason, code, detail), n in counted.items():
            found[State(state).label, str(reason), str(code), redact(str(detail))] += n
    return found


def page(ledger: Ledger, run: RunRow) -> str:
    """The report of *run* as the text of an HTML file."""
    row = ledger.campaign(run.campaign, Mode(run.mode)) if run.campaign else None
    zone = ZoneInfo((row.spec if row else {}).get("timezone", "Asia/Shanghai"))
    parts = [_head(run), _facts(run, zone)]
    if run.books:
        parts += [_books(run.books), _cost(ledger, row, run.books)]
    if run.plan:
        parts.append(_waterfall(run.plan))
    if row is not None and run.books:
        parts.append(_failures(failures(ledger, row)))
    if run.versions:
        parts.append(_table("versions 版本", sorted(run.versions.items())))
    title = escape(f"{run.campaign or 'run'} ({run.mode})")
    return (
        '<!doctype html>\n<html lang="zh">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title>\n<style>{_STYLE}</style></head>\n<body><main>\n"
        + "\n".join(parts)
        + "\n</main></body>\n</html>\n"
    )


def _head(run: RunRow) -> str:
    good = "good" if run.state == "finished" else "bad"
    message = f"<p class={good}>{escape(redact(run.message))}</p>" if run.message else ""
    return (
        f"<h1>{escape(run.campaign or '?')}</h1>\n"
        f'<p><b class="{good}">{run.state} {_STATES.get(run.state, "")}</b> · '
        f"{escape(run.mode)} {_MODES.get(run.mode, '')} · {escape(run.provider)}</p>{message}"
    )


def _facts(run: RunRow, zone: ZoneInfo) -> str:
    def when(at: float | None) -> str:
        return "—" if at is None else datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S %Z")

    who = f"{run.user}@{run.host}" if run.user else run.host
    rows = [
        ("run 运行", f"{run.id}"),
        ("series 系列", run.series),
        ("started 开始", when(run.started_at)),
        ("ended 结束", when(run.ended_at)),
        ("exit code 退出码", "—" if run.exit_code is None else str(run.exit_code)),
        ("by 执行者", who),
        ("parameter file 参数文件", Path(run.file).name or "—"),
        ("notebook", Path(run.executed or run.notebook).name or "—"),
        ("plan hash 计划指纹", run.plan_hash or "—"),
    ]
    return _table("run 运行记录", rows)


def _books(books: Mapping[str, Any]) -> str:
    excluded = sum(books["excluded"].values())
    rows: list[tuple[str, Any]] = [
        ("segment 分群", books["segment"]),
        ("— excluded 排除", excluded),
        ("— planned 计划", books["planned"]),
        ("—— waiting 待发", books["waiting"]),
        ("—— submitting 提交中", books["submitting"]),
        ("—— accepted 已受理", books["accepted"]),
        ("——— delivered 送达", books["delivered"]),
        ("——— undelivered 未送达", books["undelivered"]),
        ("——— awaiting receipt 等待回执", books["awaiting"]),
        ("—— refused 被拒", books["refused"]),
        *((f"——— {_REASONS.get(r, r)} since the plan 计划后", n) for r, n in books["stopped"].items()),
        ("—— unknown 未知", books["unknown"]),
    ]
    held = [(reason, books["excluded"].get(reason, 0)) for reason in ("holdout", "global_holdout")]
    kept = _table("kept back 对照组", [(_REASONS[reason], n) for reason, n in held])
    return _table("books 账目", rows, numbers=True) + kept


def _cost(ledger: Ledger, row: CampaignRow | None, books: Mapping[str, Any]) -> str:
    planned, cost = int(books["parts"]), Decimal(books["cost"])
    rows = [("planned 计划", f"{planned:,}", f"{cost}")]
    if row is not None:
        taken = _parts_taken(ledger, row)
        price = cost / planned if planned else Decimal(0)
        rows.append(("accepted 已受理", f"{taken:,}", f"{(price * taken).quantize(Decimal('0.01'))}"))
    return _table("cost 费用", rows, head=("", "parts 计费条", "yuan 元"), numbers=True)


def _parts_taken(ledger: Ledger, row: CampaignRow) -> int:
    total = 0
    for chunk in ledger.states(row.id):
        keys = ledger.keys(row.id, chunk)
        total += int(keys.parts[np.isin(keys.states, _TAKEN)].sum())
    return total


def _waterfall(plan: Mapping[str, Any]) -> str:
    left = most = int(plan["read"])
    rows = [("read 读入", 0, left)]
    for step in plan["steps"]:
        rows.append((redact(str(step["rule"])), left - step["kept"], step["kept"]))
        left = step["kept"]
    for reason, n in plan["excluded"].items():
        left -= n
        rows.append((_REASONS.get(reason, reason), n, left))
    rows.append(("planned 计划", 0, left))
    lines = [
        f"<tr><td>{escape(name)}</td><td class=n>{out:,}</td><td class=n>{kept:,}</td>"
        f'<td class=bar><i style="width:{_share(kept, most)}"></i>'
        f'<i class=out style="width:{_share(out, most)}"></i></td></tr>'
        for name, out, kept in rows
    ]
    head = "<tr><th>step 步骤</th><th>left out 排除</th><th>left 剩余</th><th></th></tr>"
    return f"<h2>who is left out 排除</h2><table>{head}{''.join(lines)}</table>"


def _share(n: int, most: int) -> str:
    return f"{100 * n / most if most else 0:.2f}%"


def _failures(found: Counter[Failure]) -> str:
    if not found:
        return "<h2>failures 失败</h2><p>none 无</p>"
    rows = [(f"{s} {_STATES.get(s, '')}", r, c, d, f"{n:,}") for (s, r, c, d), n in found.most_common()]
    if len(rows) > MOST_FAILURES:
        rest = sum(n for _, n in found.most_common()[MOST_FAILURES:])
        rows = [*rows[:MOST_FAILURES], ("others 其他", "", "", "", f"{rest:,}")]
    head = ("state 状态", "reason 原因", "code 状态码", "provider's words 供应商说明", "n")
    return _table("failures 失败", rows, head=head, numbers=True)


def _table(
    title: str, rows: Iterable[Sequence[Any]], *, head: Sequence[str] = (), numbers: bool = False
) -> str:
    def cell(value: Any, last: bool) -> str:
        text = f"{value:,}" if isinstance(value, int) else str(value)
        return f"<td{' class=n' if numbers and last else ''}>{escape(redact(text))}</td>"

    top = f"<tr>{''.join(f'<th>{escape(h)}</th>' for h in head)}</tr>" if head else ""
    body = "".join(
        f"<tr>{''.join(cell(v, i > 0 and i == len(row) - 1) for i, v in enumerate(row))}</tr>" for row in rows
    )
    return f"<h2>{escape(title)}</h2><table>{top}{body}</table>"


_STATES = {
    "running": "运行中",
    "finished": "完成",
    "paused": "已暂停",
    "refused": "被拒",
    "failed": "失败",
    "died": "异常中断",
    "unknown": "未知",
    "undelivered": "未送达",
}
_MODES = {"plan": "仅计划", "rehearse": "演练", "live": "正式"}
_REASONS = {
    "no_phone": "no_phone 无手机号",
    "bad_phone": "bad_phone 号码无效",
    "unsupported_region": "unsupported_region 非大陆号码",
    "duplicate_phone": "duplicate_phone 号码重复",
    "duplicate_user": "duplicate_user 用户重复",
    "already_sent": "already_sent 已发送",
    "opted_out": "opted_out 已退订",
    "no_consent": "no_consent 未同意",
    "frequency_cap": "frequency_cap 频次上限",
    "missing_variable": "missing_variable 变量缺失",
    "bad_variable": "bad_variable 变量无效",
    "text_too_long": "text_too_long 文本过长",
    "holdout": "holdout 本系列对照",
    "global_holdout": "global_holdout 全局对照",
}
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2420; --soft: #5c6862; --line: #d9dfdb; --ground: #fff;
  --left: #2f7d6b; --out: #e0a458; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9e6; --soft: #9aa6a0; --line: #36403b;
  --ground: #151a18; --left: #57b39c; --out: #c98b3d; --bad: #ff8a80 } }
body { background: var(--ground); color: var(--ink); margin: 2rem 1rem;
  font: 15px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif }
main { max-width: 60rem; margin: auto }
h2 { font-size: 1.05rem; margin: 2rem 0 .4rem } .good { color: var(--left) } .bad { color: var(--bad) }
table { border-collapse: collapse } td, th { padding: .2rem .9rem .2rem 0; text-align: left;
  border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere }
th { color: var(--soft); font-weight: 500 } .n { text-align: right; font-variant-numeric: tabular-nums }
.bar { width: 16rem; white-space: nowrap; font-size: 0 } .bar i { display: inline-block; height: .8rem;
  background: var(--left) } .bar i.out { background: var(--out) }
"""
