"""Templates: reading every form, writing them back, filling them in."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smskit.errors import TemplateError
from smskit.message.template import Form, Template, Var
from tests.profiles import examples

SEED = "【GrowingIO】你好{name}，恭喜你获得100元VIP优惠券，请于3天内在App使用。"
A, B = Var("a"), Var("b")

names = st.text("abñ名字19_-", min_size=1, max_size=4)
# Few characters, so that braces, signs and names meet in every order.
literals = st.text("ab {}#$%&+,，1【】\n😀", min_size=1, max_size=8)
values = st.text(st.sampled_from("ab{}#$%&+,;，{name}#n#😀\n\t '\"\\【】1"), max_size=12) | st.text(
    max_size=8
)


@st.composite
def templates(draw: st.DrawFn) -> Template:
    """A template of any pieces, as parsing a text of known form makes it."""
    pieces: list[str | Var] = []
    for piece in draw(st.lists(names.map(Var) | literals, min_size=1, max_size=7)):
        if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
            continue
        pieces.append(piece)
    for end, cut in ((0, str.lstrip), (-1, str.rstrip)):
        if isinstance(pieces[end], str):
            pieces[end] = cut(pieces[end])
    kept = tuple(piece for piece in pieces if piece)
    signature = draw(st.sampled_from(["", "GrowingIO", "云 片"]))
    # A text that begins with 【 and closes it has a signature, not a body.
    assume(kept and not (isinstance(kept[0], str) and kept[0].startswith("【")))
    return Template(signature, kept)


def test_worked_example() -> None:
    """The seed example is rendered byte for byte."""
    text = Template.parse(SEED).render({"name": "王小明"})

    assert text == "【GrowingIO】你好王小明，恭喜你获得100元VIP优惠券，请于3天内在App使用。"


@pytest.mark.parametrize(
    ("text", "form", "pieces"),
    [
        pytest.param("你好", Form.BRACES, ("你好",), id="no-variables"),
        pytest.param("hi {a}!", Form.BRACES, ("hi ", A, "!"), id="ours"),
        pytest.param("{ a }{b}", Form.BRACES, (A, B), id="ours-blanks-and-neighbours"),
        pytest.param("{姓名}{x-1_é}", Form.BRACES, (Var("姓名"), Var("x-1_é")), id="names-of-any-script"),
        pytest.param("{a} {1}", Form.BRACES, (A, " ", Var("1")), id="ours-with-a-number"),
        pytest.param("{{a}} {a}", Form.BRACES, ("{a} ", A), id="literal-braces"),
        pytest.param("{{{a}}}", Form.BRACES, ("{", A, "}"), id="literal-braces-around-a-variable"),
        pytest.param("${{a}}", Form.BRACES, ("${a}",), id="literal-aliyun"),
        pytest.param("{$}{a}{#}", Form.BRACES, ("$", A, "#"), id="literal-signs"),
        pytest.param("#双11# {a}", Form.BRACES, ("#双11# ", A), id="hashtag-stays"),
        pytest.param("{#}双11#", Form.BRACES, ("#双11#",), id="hashtag-alone"),
        pytest.param("{1} {{", Form.BRACES, (Var("1"), " {"), id="number-beside-our-escape"),
        pytest.param("#a#，#b#", Form.YUNPIAN, (A, "，", B), id="yunpian"),
        pytest.param("#1 #a# {", Form.YUNPIAN, ("#1 ", A, " {"), id="yunpian-lone-signs"),
        pytest.param("${a}{ $${b} {}", Form.ALIYUN, (A, "{ $", B, " {}"), id="aliyun"),
        pytest.param("#x# ${ a }", Form.ALIYUN, ("#x# ", A), id="aliyun-hashtag"),
        pytest.param("{$var}}元", Form.CHUANGLAN, (Var("var"), "}元"), id="chuanglan"),
        pytest.param(
            "{$var},{$var} {$a}",
            Form.CHUANGLAN,
            (Var("var1"), ",", Var("var2"), " ", A),
            id="chuanglan-repeated",
        ),
        pytest.param("{1}{2}{1}", Form.TENCENT, (Var("1"), Var("2"), Var("1")), id="tencent"),
        pytest.param("\ufeff {a}好\n", Form.BRACES, (A, "好"), id="blanks-around-the-text"),
    ],
)
def test_reads_every_form(text: str, form: Form, pieces: tuple[str | Var, ...]) -> None:
    """The form is told from the text, and what is no variable stays text."""
    template = Template.parse(text)

    assert (template.form, template.pieces) == (form, pieces)


@pytest.mark.parametrize(
    ("text", "form", "pieces"),
    [
        pytest.param("{a}#b#", Form.YUNPIAN, ("{a}", B), id="yunpian"),
        pytest.param("{a}${b}", Form.ALIYUN, ("{a}", B), id="aliyun"),
        pytest.param("${a}", Form.BRACES, ("$", A), id="ours"),
        pytest.param("{{1}", Form.TENCENT, ("{", Var("1")), id="tencent"),
    ],
)
def test_known_form_is_not_guessed(text: str, form: Form, pieces: tuple[str | Var, ...]) -> None:
    """A text fetched from a provider is read in that provider's form only."""
    assert Template.parse(text, form=form).pieces == pieces


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", ["empty"], id="empty"),
        pytest.param(" \n", ["empty"], id="blank"),
        pytest.param("【云片】", ["empty"], id="signature-only"),
        pytest.param("你好{}", ["character 3", "`{}`", "`{{`"], id="no-name"),
        pytest.param("【云片】hi {two words}", ["character 8", "`{two words}`", "`{{`"], id="two-words"),
        pytest.param("hi {a", ["character 4", "no partner", "`{{`"], id="unpaired-open"),
        pytest.param("hi a} {b}", ["character 5", "no partner", "`}}`"], id="unpaired-close"),
        pytest.param("{a} ${b}", ["`{a}` (BRACES)", "`${b}` (ALIYUN)"], id="ours-and-aliyun"),
        pytest.param("{1} {$var}", ["`{1}` (TENCENT)", "`{$var}` (CHUANGLAN)"], id="tencent-and-chuanglan"),
        pytest.param("{$} ${b}", ["`{$}` (BRACES)", "`${b}` (ALIYUN)"], id="our-escape-and-aliyun"),
        pytest.param("{$v}{$v}{$v1}", ["`v1`"], id="chuanglan-number-taken"),
        pytest.param("【】hi", ["【】", "empty"], id="empty-signature"),
        pytest.param("【{app}】hi", ["`{app}`", "plain name"], id="variable-signature"),
        pytest.param("【#app#】hi", ["`#app#`", "plain name"], id="variable-signature-yunpian"),
    ],
)
def test_refuses(text: str, words: list[str]) -> None:
    """What cannot be read is refused with its place and the way out."""
    with pytest.raises(TemplateError) as caught:
        Template.parse(text)

    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("text", "given_signature", "expected"),
    [
        pytest.param("【云片】hi", "", "【云片】hi", id="in-the-text"),
        pytest.param("hi", "云片", "【云片】hi", id="given"),
        pytest.param("hi", "【云片】", "【云片】hi", id="given-with-brackets"),
        pytest.param("【云片】hi", " 云片 ", "【云片】hi", id="both-once"),
        pytest.param("\n 【云片】 hi", "", "【云片】 hi", id="blanks-before"),
        pytest.param("hi", "", "hi", id="none"),
        pytest.param("hi【云片】", "云片", "【云片】hi【云片】", id="at-the-end-is-text"),
    ],
)
def test_signature_is_in_front_once(text: str, given_signature: str, expected: str) -> None:
    """The signature comes from the text or beside it, and stands in front."""
    template = Template.parse(text, signature=given_signature)

    assert template.render({}) == template.text == expected


def test_two_signatures_are_refused() -> None:
    """A signature in the text must be the one that was asked for; both are named."""
    with pytest.raises(TemplateError, match=r"【云片】.*【GrowingIO】"):
        Template.parse("【云片】hi", signature="GrowingIO")


@pytest.mark.parametrize("signature", ["a】b", "【a】【b】", "{a}", "a\nb"])
def test_signature_is_a_plain_name(signature: str) -> None:
    """A signature holds no brackets, variables or line breaks."""
    with pytest.raises(TemplateError, match="plain name"):
        Template.parse("hi", signature=signature)


@pytest.mark.parametrize(
    ("text", "signature", "body"),
    [
        ("【云片】hi", "云片", "hi"),
        ("【云片】hi【x】", "云片", "hi【x】"),
        ("hi】", "", "hi】"),
        ("【云片】【x】hi", "云片", "【x】hi"),
    ],
)
def test_brackets_in_body(text: str, signature: str, body: str) -> None:
    """Only the first brackets are the signature; others are kept as text."""
    template = Template.parse(text)

    assert (template.signature, template.write(Form.BRACES, with_signature=False)) == (signature, body)


def test_names_and_positions() -> None:
    """Names come once in order of first appearance, positions with repeats."""
    template = Template.parse("{b}{a}{b}")

    assert (template.names, template.positions()) == (("b", "a"), ("b", "a", "b"))


@pytest.mark.parametrize(
    ("text", "numbering", "written"),
    [
        pytest.param("{b}{a}{b}", ("b", "a"), "{1}{2}{1}", id="first-appearance"),
        pytest.param("{2}，您好{1}", ("1", "2"), "{2}，您好{1}", id="own-numbers"),
        pytest.param("{3}{1}", ("3", "1"), "{1}{2}", id="numbers-with-a-gap"),
    ],
)
def test_tencent_numbers(text: str, numbering: tuple[str, ...], written: str) -> None:
    """Tencent's numbers follow first appearance, unless the names are those numbers."""
    template = Template.parse(text)

    assert template.numbering() == numbering
    assert template.write(Form.TENCENT, with_signature=False) == written


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (Form.BRACES, "{{x}} {a}，{b}{a}"),
        (Form.YUNPIAN, "{x} #a#，#b##a#"),
        (Form.ALIYUN, "{x} ${a}，${b}${a}"),
        (Form.CHUANGLAN, "{x} {$var}，{$var}{$var}"),
        (Form.TENCENT, "{x} {1}，{2}{1}"),
    ],
)
@pytest.mark.parametrize("head", ["", "【云片】"])
def test_writes_every_form(form: Form, expected: str, head: str) -> None:
    """A body is written as each provider writes it, with or without the signature."""
    template = Template.parse("【云片】{{x}} {a}，{b}{a}")

    assert template.write(form, with_signature=bool(head)) == head + expected


@pytest.mark.parametrize(
    ("text", "form", "shown"),
    [
        pytest.param("#双11# {a}", Form.YUNPIAN, "#双11#", id="hashtag"),
        pytest.param("第#1{a}", Form.YUNPIAN, "#1#", id="runs-into-a-variable"),
        pytest.param("${{x}}{a}", Form.ALIYUN, "${x}", id="aliyun"),
        pytest.param("{{$x}}", Form.CHUANGLAN, "{$x}", id="chuanglan"),
        pytest.param("{{1}}{a}", Form.TENCENT, "{1}", id="tencent"),
    ],
)
def test_refuses_to_write_what_would_be_misread(text: str, form: Form, shown: str) -> None:
    """Literal text that a provider would take for a variable is refused, and shown."""
    with pytest.raises(TemplateError) as caught:
        Template.parse(text).write(form, with_signature=False)

    assert f"`{shown}`" in str(caught.value)


@given(templates())
def test_text_round_trips(template: Template) -> None:
    """Parsing the text of a template gives that template."""
    assert Template.parse(template.text) == template


@given(templates(), st.sampled_from(Form))
def test_forms_round_trip(template: Template, form: Form) -> None:
    """A template written in a provider's form is read back with the same pieces, or refused."""
    try:
        written = template.write(form, with_signature=True)
    except TemplateError:
        assume(False)
    again = Template.parse(written, form=form)

    if form in (Form.CHUANGLAN, Form.TENCENT):  # names are lost, places are not
        theirs = dict(zip(again.positions(), template.positions(), strict=True))
        again = Template(
            again.signature, tuple(Var(theirs[p.name]) if isinstance(p, Var) else p for p in again.pieces)
        )
    assert again == template


@settings(max_examples=examples(200))
@given(templates(), st.data())
def test_column_equals_rows(template: Template, data: st.DataObject) -> None:
    """A column of messages is what rendering row by row gives, byte for byte, nulls excepted."""
    length = data.draw(st.integers(0, 4))
    rows = st.lists(st.none() | values, min_size=length, max_size=length)
    columns = {name: data.draw(rows) for name in template.names}
    rendered = template.render_column(
        {name: pa.array(column, pa.large_string()) for name, column in columns.items()}, length
    )

    expected = []
    for row in range(length):
        cells = {name: column[row] for name, column in columns.items()}
        expected.append(None if None in cells.values() else template.render(cells))
    assert rendered.type == pa.large_string()
    assert rendered.to_pylist() == expected


@given(values)
def test_values_are_never_read(value: str) -> None:
    """A value goes through untouched, whatever it looks like."""
    assert Template.parse("<{name}|{b}>").render({"name": value, "b": "{name}"}) == f"<{value}|{{name}}>"


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pa.array(["x", "x"], pa.string()), id="string"),
        pytest.param(pa.array(["x", "x"]).dictionary_encode(), id="dictionary"),
        pytest.param(pa.chunked_array([["x"], ["x"]]), id="chunks"),
    ],
)
def test_takes_any_text_array(column: pa.Array) -> None:
    """However arrow keeps the texts, the messages are one plain array."""
    rendered = Template.parse("【s】{a}{a}").render_column({"a": column}, 2)

    assert rendered == pa.array(["【s】xx", "【s】xx"], pa.large_string())


def test_missing_value_is_refused() -> None:
    """A variable without a value is named, with the nearest that is there."""
    template = Template.parse("{name}")

    with pytest.raises(TemplateError, match="`name`; did you mean `nam`"):
        template.render({"nam": "x"})
    with pytest.raises(TemplateError, match="`name`"):
        template.render_column({}, 1)


def test_column_of_another_length_is_refused() -> None:
    """A column that does not belong to these rows is never stretched."""
    with pytest.raises(ValueError, match="`a` has 2 values for 3 rows"):
        Template.parse("{a}").render_column({"a": pa.array(["x", "y"])}, 3)


def test_any_pasted_text_is_read_or_refused() -> None:
    """No mixture of signs ends in anything but a template that round-trips, or a TemplateError."""
    for signs in itertools.product(["{", "}", "$", "#", "a", " "], repeat=5):
        text = "".join(signs)
        try:
            template = Template.parse(text)
        except TemplateError:
            continue

        assert Template.parse(template.text) == template, text
