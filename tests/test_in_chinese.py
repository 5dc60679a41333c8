"""In 中文 nothing of ours stays English: errors, notes and pages, each of them provoked for real."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from smskit.audience import rules, segment
from smskit.audience.explore.compare import compare
from smskit.audience.explore.files import keep_upload, write_segment
from smskit.audience.phones import normalise_one
from smskit.errors import SmskitError
from smskit.i18n import Joined, Language, Message
from smskit.ledger import Ledger
from smskit.message.lint import lint
from smskit.message.opt_out import OptOutRule, Place, notice_of
from smskit.message.template import Form, Template
from smskit.message.values import format_column
from smskit.message.variables import check_bindings, parse_bindings
from smskit.message.windows import notice_of_hours
from smskit.models import MessageClass, Mode
from smskit.notebook.accounts import CheckScope, check, chosen_template, type_signature, type_template
from smskit.notebook.connect import ConnectNotebook
from smskit.notebook.send_model import another_id
from smskit.planning.draft import Draft
from smskit.planning.drift import Footprint, drifted
from smskit.planning.occurrence import with_occurrence
from smskit.planning.parameter_file import read_file
from smskit.planning.plan import misnamed
from smskit.planning.policy import guard_problems
from smskit.planning.spec import CampaignSpec
from smskit.providers import provider_class, provider_names
from smskit.providers.credentials import Store
from smskit.providers.generic import load_config
from smskit.providers.http import Answer, Door
from smskit.sending.canary import Counts, Limits, judge
from smskit.settings import Environment
from smskit.simulator import Simulator
from tests import live
from tests.chinese import english

ZH, EN = Language("zh"), Language("en")
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def test_an_english_sentence_is_seen() -> None:
    """The measure of all that follows finds what it is to find, and nothing else."""
    names = "没有列 `the name of it`，是否指 the name？ Input 'a b c d' SMSKIT_LANG on"

    assert english("设置不完整：the keyring is off", names) == ["设置不完整：the keyring is off"]


# -- one error each -----------------------------------------------------------------------------------


def a_segment(content: str | bytes, name: str = "people.csv", **options: Any) -> Callable[[Path], object]:
    def load(folder: Path) -> object:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return segment.load(name, working_folder=folder, environ={}, **options)

    return load


def at(source: str, **options: Any) -> Callable[[Path], object]:
    return lambda folder: segment.load(source, working_folder=folder, environ={"SHOP_URL": "x"}, **options)


def a_rule(data: Any) -> Callable[[Path], object]:
    frame = pd.DataFrame({"level": ["gold"], "spend": [1], "day": pd.to_datetime(["2026-01-01"])})
    return lambda _: rules.parse(data).mask(frame, now=NOW)


def leaf(op: str, *value: Any, column: Any = "level") -> dict[str, Any]:
    return {"column": column, "op": op} | ({"value": value[0]} if value else {})


def a_template(text: str, **options: Any) -> Callable[[Path], object]:
    return lambda _: Template.parse(text, **options)


def bound(**variables: Any) -> Callable[[Path], object]:
    return lambda _: parse_bindings(variables)


def parameters(**data: Any) -> Callable[[Path], object]:
    return lambda _: CampaignSpec.from_data({"campaign": "c", "segment": "s.csv"} | data)


def a_file(content: str | bytes, name: str = "c.yaml") -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return read_file(folder / name)

    return read


def settings(provider: str, **values: str) -> Callable[[Path], object]:
    environ = {f"SMSKIT_{provider.upper()}_{name}": value for name, value in values.items()}
    return lambda _: Environment(environ).provider(provider, provider_class(provider).Settings)


SMALL: dict[str, Any] = {
    "title": "Small",
    "base_url": "https://ssp.example",
    "submit": {"url": "/s", "json": {"to": "{phone}", "text": "{text}"}, "answer": {"code": "c", "id": "i"}},
    "codes": {"accepted": {"0": "OK"}},
}


def an_ssp(text: str = "", **changes: Any) -> Callable[[Path], object]:
    def load(folder: Path) -> object:
        file = folder / "ssp.yaml"
        file.write_text(text or str(SMALL | changes), encoding="utf-8")
        return load_config(str(file))

    return load


def submitting(**changes: Any) -> Callable[[Path], object]:
    return an_ssp(submit=SMALL["submit"] | changes)


def raising(error: type[Exception]) -> Callable[[Path], object]:
    def ask(_: Path) -> object:
        def answer(request: httpx.Request) -> httpx.Response:
            raise error("broken")

        door = Door(
            "yunpian",
            timeout_s=1,
            connect_timeout_s=1,
            connections=1,
            transport=httpx.MockTransport(answer),
        )
        return asyncio.run(door.send("POST", "https://sms.yunpian.com/", headers={}))

    return ask


def answered(way: live.Way, status: int, content: bytes) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        environment = Environment(way.environ("http://127.0.0.1:1", folder))
        made: Any = provider_class(way.provider)(
            environment.provider(way.provider, provider_class(way.provider).Settings)
        )
        keys = {"chuanglan": {}, "tencent": {"keys": ("SendStatusSet",)}}.get(
            way.provider, {"keys": ("sid", "BizId")}
        )
        return made.parse_answer(Answer(status, {}, content), **keys)

    return read


LOST = pd.DataFrame({"name": ["x"], "odd": [object()]})
WRONG: dict[str, Callable[[Path], object]] = {
    # -- segments
    "no segment": at(""),
    "no file": at("gone.csv"),
    "no absolute file": at("/gone/away.csv"),
    "variable": at("env:GONE"),
    "near variable": at("env:SHOP_UR"),
    "file kind": a_segment("a", "people.json"),
    "no kind": a_segment("a", "people"),
    "query on a file": a_segment("phone\n1\n", query="select 1"),
    "quote": a_segment('a,b\n"1,2\n'),
    "quote in the head": a_segment('"a,b\n'),
    "ragged": a_segment("a,b\n1,2,3\n"),
    "empty": a_segment(""),
    "binary": a_segment(b"a\0b\0"),
    "not utf-8": a_segment("姓名\n".encode() * 50 + b"\xff\xff\n"),
    "not a sheet": a_segment(b"\0x", "people.xlsx"),
    "not parquet": a_segment("x", "people.parquet"),
    "unnamed column": a_segment("a,\n1,2\n"),
    "number as name": a_segment("13800000000,b\n1,2\n"),
    "twice": a_segment("a,a\n1,2\n"),
    "unknown column": a_segment("level,b\n1,2\n", columns={"levl"}),
    "quite unknown column": a_segment("level,b\n1,2\n", columns={"zzz"}),
    "password": at("postgresql://me:secret@localhost/db"),
    "no query": at("sqlite://"),
    "no table": at("sqlite://", query="select * from people"),
    "no select": at("sqlite://", query="create table x (y)"),
    "no driver": at("oracle+cx_oracle://x", query="select 1"),
    "no dialect": at("nosuch://x", query="select 1"),
    "no URL": at("sqlite:///a?b=c://://["),
    "no database": at("sqlite:////gone/away.db", query="select 1"),
    "frame": lambda _: segment.from_frame([]),  # type: ignore[arg-type]
    "frame column": lambda _: segment.from_frame(pd.DataFrame({1: [1]})),
    "saved as": lambda folder: write_segment(LOST, "x.txt", folder),
    "saved over": lambda folder: [write_segment(pd.DataFrame({"a": [1]}), "x.csv", folder) for _ in range(2)],
    "upload": lambda folder: keep_upload("people.pdf", b"x", folder),
    "phone": lambda _: normalise_one("1380"),
    "nothing in common": lambda _: compare(
        pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), user_id="id", phone="p"
    ),
    "misnamed": lambda _: told_all(misnamed(spec(phone="phon"), ["phone", "name"])),
    # -- rules
    "no rule": a_rule("gold"),
    "rule key": a_rule([{"colum": "level"}]),
    "beside": a_rule({"all": [leaf("==", 1)], "any": [leaf("==", 1)]}),
    "no list": a_rule({"all": "gold"}),
    "empty list": a_rule({"any": []}),
    "no op": a_rule([{"column": "level"}]),
    "column name": a_rule([leaf("==", 1, column=7)]),
    "operator": a_rule([leaf("equals", 1)]),
    "near operator": a_rule([leaf("is_nul")]),
    "no value": a_rule([leaf("==")]),
    "a value too many": a_rule([leaf("is_null", 1)]),
    "truth in order": a_rule([leaf("<", True)]),
    "no text": a_rule([leaf("contains", 7)]),
    "no date": a_rule([leaf("before", "soon")]),
    "no days": a_rule([leaf("within_days", 0)]),
    "no values": a_rule([leaf("in", "gold")]),
    "mixed": a_rule([leaf("in", ["gold", 1])]),
    "one end": a_rule([leaf("between", [1])]),
    "truth between": a_rule([leaf("between", [True, False])]),
    "ends turned": a_rule([leaf("between", [2, 1])]),
    "infinite": a_rule([leaf("==", float("inf"))]),
    "nothing as value": a_rule([leaf("==", None)]),
    "half a letter": a_rule([leaf("==", "\ud800")]),
    "no such column": a_rule([leaf("==", "x", column="levl")]),
    "does not fit": a_rule([leaf("==", "much", column="spend")]),
    "cannot be asked": a_rule([leaf("contains", "x", column="day")]),
    # -- templates and variables
    "empty template": a_template(" "),
    "two signatures": a_template("【一】你好", signature="二"),
    "empty signature": a_template("你好", signature="【】"),
    "signature": a_template("你好", signature="a{b}"),
    "two forms": a_template("{a}和${b}"),
    "brace": a_template("你好{"),
    "no variable": a_template("你好{a b}"),
    "doubled names": a_template("{$a}{$a}{$a1}", form=Form.CHUANGLAN),
    "literal": lambda _: Template.parse("#双11#{name}").write(Form.YUNPIAN, with_signature=False),
    "no value for it": lambda _: Template.parse("{name}").render({"nam": "x"}),
    "bound to nothing": lambda _: check_bindings(
        Template.parse("{name}{x}"), parse_bindings({"y": "z", "x": "nam"}), ["name"]
    ),
    "bound twice": lambda _: parse_bindings({1: "a", "1": "b"}),  # type: ignore[dict-item]
    "no binding": bound(name=7),
    "binding key": bound(name={"colum": "a"}),
    "quite another key": bound(name={"zzz": "a"}),
    "binding text": bound(name={"column": 7}),
    "both": bound(name={"column": "a", "value": "b"}),
    "default": bound(name={"value": "b", "default": "c"}),
    "empty binding": bound(name={"value": ""}),
    "yes": bound(name={"value": True}),
    "date format": bound(day={"column": "a", "format": "%Q"}),
    "no date in it": bound(day={"column": "a", "format": "heute"}),
    "cannot be written": lambda _: format_column(LOST["odd"]),
    # -- parameters
    "unknown parameter": parameters(max_recipient=5),
    "credential": parameters(api_key="x"),
    "campaign id": parameters(campaign=""),
    "placeholder": lambda _: with_occurrence({"campaign": "vip-{weak}"}, now=NOW),
    "no campaign": lambda _: with_occurrence({}, now=NOW, occurrence="2026-W47"),
    "unfilled": parameters(campaign="vip-{week}"),
    "number": parameters(max_recipients="many"),
    "fraction": parameters(max_recipients=1.5),
    "negative": parameters(max_recipients=-1),
    "share": parameters(holdout=2),
    "factor": parameters(drift_factor=1),
    "mode": parameters(mode="test"),
    "money": parameters(max_cost="much"),
    "date": parameters(not_after="soon"),
    "date number": parameters(not_after=20261123),
    "wording": parameters(opt_out_wording="please"),
    "window": parameters(send_window="early"),
    "no such time": parameters(send_window="25:00-26:00"),
    "no window": parameters(send_window="08:00-08:00"),
    "cap": parameters(frequency_cap="twice"),
    "wait": parameters(canary_wait="long"),
    "zone": parameters(timezone="Mars"),
    "variables": parameters(variables=7),
    "many at once": parameters(mode="x", max_recipients=-1, consentt="y"),
    "no parameter file": lambda folder: read_file(folder / "gone.yaml"),
    "parameter file twice": a_file("a: 1\na: 2\n"),
    "parameter file yaml": a_file("a: [1\n"),
    "parameter file bytes": a_file(b"\xff"),
    "parameter file list": a_file("- a\n"),
    "unwritable": lambda folder: Draft({"campaign": "c"}).save(folder / "people.csv" / "x.yaml"),
    "draft": lambda _: Draft().set(campain="x"),
    "another id": lambda _: another_id("", []),
    # -- settings
    "key missing": settings("yunpian"),
    "several missing": settings("tencent", TIMEOUT_S="-1"),
    "address": settings("yunpian", API_KEY="k", BASE_URL="yunpian.com"),
    "in clear": settings("chuanglan", ACCOUNT="a", PASSWORD="b", BASE_URL="http://x.253.com"),
    "setting kind": settings("yunpian", API_KEY="k", BATCH_SIZE="many", MULTI_SEND="perhaps"),
    "keyring": lambda _: ConnectNotebook(Draft()).keep({"api_key": "k" * 32}, Store.KEYRING),
    "unknown provider": lambda _: provider_class("yunpain"),
    "quite unknown provider": lambda _: provider_class("zzz"),
    "no simulator": lambda folder: check(
        "http",
        Environment({"SMSKIT_HTTP_CONFIG": str(SMALL)}),
        Ledger(f"sqlite:///{folder / 'l.db'}"),
        mode=Mode.REHEARSE,
    ),
    "empty signature typed": lambda folder: type_signature("yunpian", "【】", a_ledger(folder)),
    "empty template typed": lambda folder: type_template("yunpian", "", "", a_ledger(folder)),
    "another signature": lambda _: chosen_template(
        "yunpian", type_template("yunpian", "1", "【一】你好", a_ledger(Path("."))), "二"
    ),
    # -- an SSP of one's own
    "no ssp file": lambda folder: load_config(str(folder / "gone.yaml")),
    "ssp yaml": an_ssp("a: [1"),
    "ssp twice": an_ssp("title: a\ntitle: b\n"),
    "ssp list": an_ssp("- a"),
    "ssp key": an_ssp(submitt={}),
    "ssp title": an_ssp(title=""),
    "ssp zone": an_ssp(timezone="Mars"),
    "ssp time": an_ssp(time_format="noon"),
    "ssp pattern": an_ssp(limits={"unfit_value": "("}),
    "ssp codes": an_ssp(codes={"accepted": {"0": "OK"}, "refused": {"0": "no"}}),
    "ssp window": an_ssp(codes={"accepted": {"0": {"meaning": "OK", "retry_after_s": 1}}}),
    "ssp no codes": an_ssp(codes={}),
    "ssp statuses": an_ssp(statuses={"accepted": {"700": "x", "302": "y"}}),
    "ssp signing": an_ssp(signing={"algorithm": "md5", "over": "{txt}"}),
    "ssp batching": an_ssp(batching={"same": 5}),
    "ssp url": submitting(url="send"),
    "ssp url query": submitting(url="/s?a=b"),
    "ssp url host": submitting(url="https://me:pw@host/"),
    "ssp get": submitting(method="GET"),
    "ssp both bodies": submitting(form={"a": "b"}),
    "ssp brace": submitting(json={"to": "{"}),
    "ssp number": submitting(json={"to": "a{phone:number}"}),
    "ssp placeholder": submitting(json={"to": "{phons}", "x": "{since}"}),
    "ssp key in clear": submitting(headers={"x-token": "abc"}),
    "ssp sign": submitting(headers={"x-sign": "{sign}"}),
    "ssp path": submitting(answer={"code": "a b"}),
    "ssp row": submitting(answer={"code": "c", "row": {"code": "d"}}),
    "ssp nothing": submitting(json={}),
    # -- no good answer
    "no connection": raising(httpx.ConnectError),
    "no answer": raising(httpx.ReadTimeout),
    "broken": raising(httpx.RemoteProtocolError),
    **{
        f"{name} {status} {content[:9]!r}": answered(way, status, content)
        for name, way in live.WAYS.items()
        for status, content in (
            (502, b"<html>"),
            (200, b"[]"),
            (200, b"{}"),
            (500, b'{"code": 0, "Code": "OK", "Response": {}}'),
            (200, b'{"code": 1, "msg": "x", "Code": "isv.X", "Response": {"Error": {"Code": "X"}}}'),
            (400, '{"code": 3, "msg": "余额不足", "Code": "isv.AMOUNT_NOT_ENOUGH"}'.encode()),
        )
    },
}


def told_all(problems: Iterable[tuple[str, str]]) -> None:
    """Problems that are listed, as the error they come to."""
    raise SmskitError(Joined(text for _, text in problems))


def a_ledger(folder: Path) -> Ledger:
    return Ledger(f"sqlite:///{folder / 'typed.db'}")


def spec(**more: Any) -> CampaignSpec:
    return CampaignSpec.from_data({"campaign": "vip-2026-W47", "segment": "s.csv"} | more)


@pytest.mark.parametrize("name", WRONG)
def test_an_error_is_told(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an error says is said in 中文, with the names and values in it."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "people.csv").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SmskitError) as raised:
        WRONG[name](tmp_path)

    assert english(ZH.error(raised.value)) == []
    assert ZH.render(raised.value.message) != str(raised.value)


# -- sentences that are not raised ----------------------------------------------------------------------


def what_guards_say() -> Iterator[str]:
    strict = spec(
        plan_hash="p1", max_recipients=1, max_cost="1", not_after="2026-01-01", opt_out_wording="demand"
    )
    rule = OptOutRule(taken=("拒收请回复R",))
    for place in Place:
        for text in ("你好", "你好，回T退订", "你好。拒收请回复R"):
            for taken in ((), ("拒收请回复R",)):
                yield notice_of(
                    Template.parse(text),
                    OptOutRule(place=place, taken=taken),
                    provider="yunpian",
                    message_class=MessageClass.MARKETING,
                    template_id="1" if place is Place.TEMPLATE else "",
                )
    lack = notice_of(
        Template.parse("你好"), rule, provider="x", message_class=MessageClass.MARKETING, template_id=""
    )
    usual = Footprint(
        counts={"rows of the segment": 100, "rows that pass the rules": 100, "people to be reached": 100},
        coverage={"name": 1.0},
        excluded={"bad_phone": 0.0},
        provider="yunpian",
        template_id="7",
        template="你好",
    )
    few, many = (
        Footprint(
            counts=dict.fromkeys(usual.counts, n),
            coverage={"name": 0.1},
            excluded={"bad_phone": 0.5},
            provider="yunpian",
            template_id="7",
            template="您好；再见",
        )
        for n in (10, 1000)
    )
    past = [Footprint(**(vars(usual) | {"name": f"vip-{n}", "at": float(n)})) for n in range(4)]
    changes = [change for now in (few, many) for change in drifted(now, past, factor=2.0)]
    yield from changes
    yield from (Message("allowed by `drift: allow`: {why}", why=change) for change in changes)
    problems = guard_problems(
        strict, planned=9, cost=Decimal(9), plan_hash="p2", now=NOW, lack=lack, drift=changes, blind=True
    )
    yield from (guard.text for guard in problems)
    for counts in ((9, 0, 0), (0, 9, 0), (0, 0, 9), (5, 0, 4)):
        delivered, undelivered, awaiting = (n * 10 for n in counts)
        found = Counts(100, 10, delivered, undelivered, 0, 0, awaiting, opted_out=delivered // 9)
        yield judge(found, Limits(0.1, 0.01))[1]
    for window in ("", "05:00-23:00", "22:00-06:00"):
        marketing = provider_class("tencent").marketing
        yield notice_of_hours(spec(send_window=window).window, marketing, provider="tencent", now=NOW)


def what_the_doctor_says() -> Iterator[str]:
    texts = (
        *(
            "你好",
            "{a}{b}",
            "{a}",
            "您的验证码为{code}，请勿泄露",
            "你好" * 300,
            "【别的】你好，【示例】再见",
        ),
        *(
            "你好 https://a.cn/x 看看，回T退订",
            "親愛的會員★",
            "{name}你好{name}，致電13800000000。拒收请回复R",
        ),
        *(
            "#双11#你好{name}",
            "你好{",
            "[你好]",
            "{$x}".replace("$", ""),
            "".join(f"{{v{n}}}、" for n in range(30)),
        ),
    )
    for name in provider_names():
        for text in texts:
            for signature in ("示例", "", "云片网", "一" * 30, "a b!"):
                for kind in MessageClass:
                    found = lint(text, provider_class(name), signature=signature, message_class=kind)
                    yield from (issue.render(ZH) for issue in found.issues)


def test_guards_and_notices_are_told() -> None:
    """Why a run would be refused, what is not as usual and what a canary came to, in 中文."""
    said = [text for text in what_guards_say() if text]

    assert len(set(said)) > 25
    assert english(*map(ZH.render, said)) == []
    assert [text for text in said if ZH.render(text) == text] == []


def test_the_doctor_speaks_one_language() -> None:
    """What a provider would not pass is said in 中文 with its rule in 中文."""
    said = set(what_the_doctor_says())

    assert len(said) > 60
    assert english(*said) == []


@pytest.mark.parametrize("name", live.WAYS)
def test_what_a_check_finds_is_told(name: str, simulator: Simulator, tmp_path: Path) -> None:
    """Findings and next steps of usable and unusable set-ups, from the simulator over HTTP."""
    way = live.WAYS[name]
    live.approve(simulator, way)
    good = way.environ(simulator.url, tmp_path)
    prefix = f"SMSKIT_{way.provider.upper()}_"
    secret = list(way.credentials)[min(1, len(way.credentials) - 1)]
    ledger = Ledger(good["SMSKIT_DATABASE_URL"])
    found = []
    for environ in (
        good,
        good | {prefix + secret: "another"},
        good | {prefix + "BASE_URL": "http://127.0.0.1:1"},
    ):
        for signature, template_id, text in (
            ("GrowingIO", way.template_id, live.TEMPLATE),
            ("别的", "999", "你好{name}，回T退订"),
            ("", "", "你好{name}"),
        ):
            wanted = CheckScope(signature, template_id, text)
            found += check(way.provider, Environment(environ), ledger, campaign=wanted).findings
    ledger.close()
    said = [ZH.said(f.meaning) for f in found] + [ZH.render(f.next_step) for f in found]

    assert {f.ok for f in found} == {True, False}
    assert english(*said) == []


# -- the tables of translations ---------------------------------------------------------------------------


def test_a_providers_own_words_stand_in_quotes() -> None:
    """What a provider said is marked as such, what we noted in its place is ours, and codes are neither."""
    assert EN.said("账户余额不足") == "“账户余额不足”"
    assert EN.said("The specified key is not found") == "“The specified key is not found”"
    assert ZH.said("The specified key is not found") == "“The specified key is not found”"
    assert ZH.said("账户余额不足") == "账户余额不足"
    assert EN.said(Message("no answer in time")) == "no answer in time"
    assert [EN.said(text) for text in ("OK", "", "123.40", "【示例】 SUCCESS")] == [
        "OK",
        "",
        "123.40",
        "【示例】 SUCCESS",
    ]
