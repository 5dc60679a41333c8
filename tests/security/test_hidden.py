"""Nothing of a phone or a key leaves, in whatever form it was written and wherever in a text it stands."""

from __future__ import annotations

import asyncio
import json
import re
import unicodedata
from typing import Any
from urllib.parse import unquote_plus

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smskit.audience.phones import hide, hide_column, normalise, redact, words
from smskit.errors import SmskitError
from smskit.i18n import Message, loads
from smskit.ledger.changes import recorded
from smskit.ledger.records import Facts
from smskit.testing import ProviderContract
from tests import live
from tests.profiles import examples
from tests.providers.test_answers import call_of, each_provider, made
from tests.test_cli import Desk, Run

# -- forms of a phone ---------------------------------------------------------------------

BLANKS = [" ", "\t", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u202a", "\u00ad", "\x07", "\u2028"]
DASHES = ["-", "‐", "–", "—", "−", "－", "﹣", "⁃"]
FULL_WIDTH = str.maketrans("0123456789+-().", "０１２３４５６７８９＋－（）．")
CIRCLED = str.maketrans("123456789", "①②③④⑤⑥⑦⑧⑨")
NATIONALS = st.from_regex("1(3[0-9]|5[0-35-9]|8[0-9])[0-9]{8}", fullmatch=True)
PREFIXES = st.sampled_from(
    ["", "+86", "86", "0086", "+86 ", "86-", "(+86)", "+86.", "86.", "17951", "12593", "0"]
)


@st.composite
def written(draw: st.DrawFn) -> str:
    """A mobile as people, spreadsheets and phone books write it."""
    number = draw(NATIONALS)
    form = draw(st.sampled_from(["grouped", "dotted", "scattered", "decimal", "scientific", "brackets"]))
    text = {
        "grouped": draw(st.sampled_from([" ", "-"])).join((number[:3], number[3:7], number[7:])),
        "dotted": ".".join((number[:3], number[3:7], number[7:])),
        "scattered": "".join(
            digit + draw(st.sampled_from(["", "", "", "", *BLANKS, *DASHES])) for digit in number
        ),
        "decimal": f"{number}.00",
        "scientific": f"{number[0]}.{number[1:]}E{draw(st.sampled_from(['', '+']))}10",
        "brackets": f"({number[:3]}){number[3:]}",
    }[form]
    text = draw(PREFIXES) + text if form != "scientific" else text
    return text.translate(draw(st.sampled_from([{}, FULL_WIDTH, CIRCLED])))


AROUND = st.sampled_from(
    ["", "张三", "wx_", "U", "@139.com", "手机", "/", ",", "：", "x", "_", "#", "号 ", "\n", "."]
)


def digits_of(text: str) -> str:
    return re.sub(r"\D", "", unicodedata.normalize("NFKC", text))


@pytest.mark.long
@settings(max_examples=examples(600))
@given(written(), AROUND, AROUND)
@example("138.0013.8001", "", "")
@example("(138)00138002", "尾号", "x")
def test_row_04_whatever_is_read_as_a_phone_is_hidden(phone: str, before: str, after: str) -> None:
    """What `normalise` takes for a phone is hidden anywhere in a text, in an id and in a column."""
    (number,) = normalise(pd.Series([phone])).e164.tolist()
    text = f"{before}{phone}{after}"
    hidden = [redact(text), hide(text), words(text), hide_column(pa.array([text, None]))[0].as_py()]

    if number:
        assert [h for h in hidden if str(number)[2:] in digits_of(h)] == []
        assert all(normalise(pd.Series([h])).e164.tolist() == [0] for h in hidden)
    assert hidden[1] == hidden[3]


HELD = ["13800138001@139.com", "wx_13800138003", "U13800138005", "138-0013-8002", "86-13800138006"]
VALUES = ["张三13800138001", "尾号138 0013 8002", "138.0013.8001", "(138)00138002", "13800138001/13800138002"]
VALUES += ["１３８-００１３-８００３", "1380013800113800138002"]
VALUES += ["138_0013_8001", "138·0013·8001", "138/0013/8001", "138%200013%208001", "138&nbsp;0013&nbsp;8001"]
# As a request looks that a provider repeats.
ECHOED = ["%228613800138001%22", r"\u002213800138001\u0022", r"\x228613800138001", "8613800138001" * 2]
KEPT = ["10000000", "u12345678", "20261128", "900619746936498440", "a1381234-5678-9012-3456-123456789012"]
KEPT += ["3f2504e04f8913812345678a3301abcd", "2026-11-28 14:30:00", "张三", "", "1,380,013,800"]
KEPT += ["192.168.0.100", "2026/1128/1430", "13:00:00.1234", "https://a.cn/138/2026?x=1128"]


@pytest.mark.parametrize("text", [*HELD, *VALUES, *ECHOED])
def test_row_04_ids_and_values_that_hold_a_phone(text: str) -> None:
    """Each of those that were tried."""
    for hidden in (hide(text), redact(text), hide_column(pa.array([text]))[0].as_py()):
        assert not re.search("138001380|1380013800", digits_of(re.sub("%20|&nbsp;", "", hidden)))
        assert "*" in hidden


def test_ids_stay_ids() -> None:
    """What is no phone is shown: ids, hashes, dates, amounts."""
    assert hide_column(pa.array(KEPT)).to_pylist() == KEPT


def test_row_04_a_whole_campaign(desk: Desk, run: Run) -> None:
    """Nobody can be called from what `messages` and `why` show, whatever ids and values hold."""
    people = [*HELD, *(f"u{n}" for n in range(len(VALUES)))]
    names = [*(["张三"] * len(HELD)), *VALUES]
    frame = pd.DataFrame({"user_id": people, "name": names, "coupon": "5"})
    frame["phone"] = [f"1590000{n:04d}" for n in range(len(frame))]
    source = desk.folder / "ids.csv"
    frame.to_csv(source, index=False)
    live.send(live.data(live.SINGLES, source), desk.environ)
    shown = [run("messages", "live-1").out, *(run("why", "live-1", one).out for one in people)]

    assert desk.world.accepted() == len(frame)
    numbers = [*(f"1380013800{n}" for n in range(10)), *frame["phone"]]
    assert [number for number in numbers if number in digits_of("\n".join(shown))] == []
    assert "13800138005" in run("messages", "live-1", "--reveal").out


# -- what a provider repeats ------------------------------------------------------------------


def echoing(answer: httpx.Response, request: httpx.Request, *, codes: bool) -> httpx.Response:
    """*answer* with the whole request in each of its texts; of what may be a code only where *codes*."""
    head = " ".join(f"{name}: {value}" for name, value in request.headers.items())
    body = request.content.decode("utf-8", "replace")
    echo = f"{request.url} {head} {body} {unquote_plus(body)}"

    def put(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: put(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [put(inner, name) for inner in value]
        return echo if isinstance(value, str) and (codes or "code" not in name.lower()) else value

    return httpx.Response(answer.status_code, json=put(json.loads(answer.content)))


@each_provider
@pytest.mark.parametrize("codes", [False, True])
@pytest.mark.parametrize("people", [1, 3])
def test_rows_10_11_15_a_provider_that_repeats_the_request(
    contract: type[ProviderContract], codes: bool, people: int
) -> None:
    """No key, no phone and no more than 300 characters of its words, in results, errors and codes."""
    suite = contract()

    def answer(request: httpx.Request) -> httpx.Response:
        return echoing(suite.refused(request, suite.refused_code), request, codes=codes)

    provider = made(contract, answer)
    given = [getattr(provider.settings, name) for name in provider.settings.secret_fields()]
    secrets = [secret.get_secret_value() for secret in given if secret.get_secret_value()]
    call = call_of(contract, provider, people)
    phones = [str(phone)[2:] for phone in np.asarray(call.people.phones)[call.rows].tolist()]
    try:
        results: Any = asyncio.run(provider.submit(call))
        told = [text for r in results for text in (str(r.detail), r.code, repr(r))]
    except SmskitError as error:
        told = [str(error), repr(error), str(getattr(error, "detail", "")), str(getattr(error, "code", ""))]

    assert secrets
    assert [text for text in told for secret in secrets if secret in text] == []
    assert [text for text in told for phone in phones if phone in digits_of(text)] == []
    assert max(map(len, told)) < 1500


@settings(max_examples=examples(60))
@given(written(), AROUND, st.sampled_from([0, 290, 5000]))
def test_rows_10_11_what_the_ledger_keeps(phone: str, around: str, length: int) -> None:
    """Also what a plug-in hands over as it came: codes and words go through one door into the ledger."""
    text = "x" * length + around + phone
    ours = Message("no answer in {n} s", n=5)
    for facts in (
        Facts(codes=text[-60:], details=text),
        Facts(codes=["0", text[-60:]], details=[ours, text]),
    ):
        kept = recorded(facts)
        told = json.dumps(kept, ensure_ascii=False)

        assert len(told) < 1000
        assert normalise(pd.Series([phone])).e164[0] % 10**11 == 0 or (
            str(normalise(pd.Series([phone])).e164[0])[2:] not in digits_of(told)
        )
    assert loads(kept["details"][0]) == ours


def test_what_may_stand_between_digits_is_what_phones_are_read_with() -> None:
    """Every blank, control sign, dash and bracket that `normalise` takes out."""
    signs = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    kinds = ("Zs", "Zl", "Zp", "Cc", "Cf", "Pd")
    between = [sign for sign in signs if unicodedata.category(sign) in kinds] + ["−", "⁃", "(", ")"]
    odd = [sign for sign in between if hide(f"138{sign}00138000") == f"138{sign}00138000"]

    assert odd == []
