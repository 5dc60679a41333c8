"""
The text of a message: parsing a template and filling it in.

Owns our form ``{name}``, the forms the providers use for the same thing, and
the signature in front. Leaves to others where the values come from
(``variables``), what a message costs (``parts``) and which templates a
provider allows (the provider's own checks).

A template is filled in one pass: a value is copied, never read again, so a
value may hold braces, ``#``, ``%`` or anything else.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from smskit.errors import TemplateError, suggest
from smskit.i18n import Joined, Message

__all__ = ["Form", "Template", "Var"]


class Form(enum.StrEnum):
    """How a template marks its variables."""

    BRACES = "braces"  # {name}: ours; also a text without variables
    YUNPIAN = "yunpian"  # #name#
    ALIYUN = "aliyun"  # ${name}
    CHUANGLAN = "chuanglan"  # {$var}: filled from left to right, the name means nothing
    TENCENT = "tencent"  # {1}


@dataclass(frozen=True, slots=True)
class Var:
    """A place in a template that a person's own value fills."""

    name: str


Piece = str | Var

_BLANKS = " \t\r\n\v\f\x85\xa0\u3000\u200b\ufeff"  # what pasting leaves at the ends of a text
_EXCERPT = 16  # characters of the text that an error shows

# Letters and digits of any script, underscore, dash.
_NAME = r"[\w-]+"
_VARIABLE = {
    Form.BRACES: re.compile(rf"\{{\s*({_NAME})\s*\}}"),
    Form.YUNPIAN: re.compile(rf"#({_NAME})#"),
    Form.ALIYUN: re.compile(rf"\$\{{\s*({_NAME})\s*\}}"),
    Form.CHUANGLAN: re.compile(rf"\{{\$\s*({_NAME})\s*\}}"),
    Form.TENCENT: re.compile(r"\{\s*([0-9]+)\s*\}"),
}

# Every brace form at once, our escapes first: the {x} within {{x}} is no variable.
_ANY_BRACES = re.compile(
    r"(?P<doubled>\{\{|\}\})|(?P<sign>\{[$#]\})"
    rf"|(?P<aliyun>\$\{{\s*{_NAME}\s*\}})|(?P<chuanglan>\{{\$\s*{_NAME}\s*\}})"
    rf"|(?P<tencent>\{{\s*[0-9]+\s*\}})|(?P<braces>\{{\s*{_NAME}\s*\}})"
)
_OURS = re.compile(rf"(?P<escape>\{{\{{|\}}\}}|\{{[$#]\}})|\{{\s*(?P<name>{_NAME})\s*\}}|(?P<stray>[{{}}])")
_SIGNATURE = re.compile(r"【([^【】]*)】")


@dataclass(frozen=True, slots=True)
class Template:
    """
    A signature, and a body of literal text and variables; made by `parse`.

    >>> import smskit
    >>> template = smskit.Template.parse("【云片】您的验证码是#code#")
    >>> template.signature, template.names, template.text
    ('云片', ('code',), '【云片】您的验证码是{code}')
    >>> template.render({"code": "0815"})
    '【云片】您的验证码是0815'

    Args:
        signature: Without brackets; "" where the text carries none.
        pieces: The body. No two literals are neighbours and none is empty.
        form: How the text was written. Not part of equality: the same text
            pasted in another form is the same template.
    """

    signature: str
    pieces: tuple[Piece, ...]
    form: Form = field(default=Form.BRACES, compare=False)

    @classmethod
    def parse(cls, text: str, *, signature: str = "", form: Form | None = None) -> Self:
        """
        Read a template in our form or in a provider's.

        The form is recognised in the text: ``${name}`` is Aliyun's, ``{$var}``
        Chuanglan's, nothing but ``{1}``, ``{2}`` Tencent's, ``{name}`` ours.
        ``#name#`` is Yunpian's only where no brace form occurs, so that the
        hashtag in ``#双11# {name}`` stays text.

        In our form ``{{`` and ``}}`` are literal braces; ``{$}`` and ``{#}``
        are a literal ``$`` and ``#``, for the rare text in which the bare sign
        would make a provider's variable. In the other forms everything that is
        not a variable is literal. A Chuanglan name that occurs more than once
        is numbered (``{$var}{$var}`` gives ``var1``, ``var2``): its places are
        filled one by one. Blanks around the whole text are dropped.

        Args:
            signature: With or without 【】. A leading 【】 in the text is the
                signature too; the two must agree.
            form: Given where it is known, as for a text fetched from a
                provider; nothing is guessed then.

        Raises:
            TemplateError: The text is empty, mixes two brace forms, has an
                unpaired brace or no proper name within braces, or has another
                signature than the one asked for.
        """
        text = text.strip(_BLANKS)
        asked = _read_signature(signature)
        body, found = text, ""
        if leading := _SIGNATURE.match(text):
            body, found = text[leading.end() :], _read_signature(leading[0])
        if asked and found and asked != found:
            raise TemplateError(
                "the template begins with the signature 【{one}】 but `signature` is 【{two}】; make them "
                "the same or remove one",
                one=found,
                two=asked,
            )
        if not body.strip(_BLANKS):
            raise TemplateError("the template is empty; write the text of the message")
        form = form or _detect(body)
        pieces = tuple(_read(body, form, offset=len(text) - len(body)))
        if form is Form.CHUANGLAN:
            pieces = _number_repeated(pieces)
        has_variables = any(isinstance(piece, Var) for piece in pieces)
        return cls(asked or found, pieces, form if has_variables else Form.BRACES)

    @property
    def names(self) -> tuple[str, ...]:
        """The variables, each once, in order of first appearance."""
        return tuple(dict.fromkeys(self.positions()))

    def positions(self) -> tuple[str, ...]:
        """The variable at each place, from left to right; a repeated one is repeated."""
        return tuple(piece.name for piece in self.pieces if isinstance(piece, Var))

    def numbering(self) -> tuple[str, ...]:
        """
        The variables in the order of Tencent's numbers: the first fills ``{1}``.

        That is the order of first appearance, except where the names already
        are the numbers 1 to n: ``{2}，您好{1}`` keeps its own.
        """
        numbers = tuple(str(n) for n in range(1, len(self.names) + 1))
        return numbers if set(numbers) == set(self.names) else self.names

    @property
    def text(self) -> str:
        """The whole template in our form, signature in front; parsing it gives this template again."""
        return self.write(Form.BRACES, with_signature=True)

    def write(self, form: Form, *, with_signature: bool) -> str:
        """
        Return the template as *form* writes it.

        Chuanglan knows no names: every variable becomes ``{$var}``, and
        `positions` says what fills each. Tencent numbers them: `numbering`.

        Raises:
            TemplateError: A literal part would be a variable in that form,
                such as the hashtag ``#双11#`` for Yunpian, which has no way
                to write it.
        """
        body = self._write_ours() if form is Form.BRACES else self._write_theirs(form)
        return f"{self._head}{body}" if with_signature else body

    def render(self, values: Mapping[str, str]) -> str:
        """
        Return one message, signature in front.

        Raises:
            TemplateError: A variable has no value.
        """
        self._require(values)
        return self._head + "".join(
            values[piece.name] if isinstance(piece, Var) else piece for piece in self.pieces
        )

    def render_column(self, values: Mapping[str, pa.Array], length: int) -> pa.Array:
        """
        Return one message a row, byte for byte what `render` gives.

        Args:
            values: Variable -> *length* texts. A null gives a null message.

        Returns:
            *length* messages as large_string.

        Raises:
            TemplateError: A variable has no column.
            ValueError: A column has another length.
        """
        self._require(values)
        columns = {name: _as_text(values[name]) for name in self.names}
        for name, column in columns.items():
            if len(column) != length:
                raise ValueError(f"`{name}` has {len(column)} values for {length} rows")
        if not columns:
            return pa.repeat(_constant(self.render({})), length)
        parts: list[Any] = [_constant(self._head)] if self.signature else []
        for piece in self.pieces:
            parts.append(columns[piece.name] if isinstance(piece, Var) else _constant(piece))
        return pc.binary_join_element_wise(*parts, _constant(""), null_handling="emit_null")

    def ending_with(self, text: str) -> Self:
        """The same template with *text* behind it, which is literal whatever it holds."""
        *before, last = self.pieces
        pieces = (*before, last + text) if isinstance(last, str) else (*self.pieces, text)
        return replace(self, pieces=pieces)

    @property
    def _head(self) -> str:
        return f"【{self.signature}】" if self.signature else ""

    def _require(self, values: Mapping[str, object]) -> None:
        if missing := [name for name in self.names if name not in values]:
            lack = Message("the template needs a value for {names}", names=_quoted(missing))
            raise TemplateError(suggest(lack, missing[0], values) if len(missing) == 1 else lack)

    def _marks(self, form: Form) -> dict[str, str]:
        """How a provider's form writes each variable."""
        match form:
            case Form.YUNPIAN:
                return {name: f"#{name}#" for name in self.names}
            case Form.ALIYUN:
                return {name: f"${{{name}}}" for name in self.names}
            case Form.CHUANGLAN:
                return dict.fromkeys(self.names, "{$var}")
            case Form.TENCENT:
                return {name: f"{{{n}}}" for n, name in enumerate(self.numbering(), start=1)}
            case Form.BRACES:
                return {name: f"{{{name}}}" for name in self.names}

    def _write_ours(self) -> str:
        marks = self._marks(Form.BRACES)
        written: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                written.append(piece.replace("{", "{{").replace("}", "}}"))
                continue
            # A bare $ here would read as Aliyun's ${name}.
            if written and written[-1].endswith("$"):
                written[-1] = written[-1][:-1] + "{$}"
            written.append(marks[piece.name])
        body = "".join(written)
        # Without a variable in braces a hashtag would read as Yunpian's #name#.
        return body if marks else _VARIABLE[Form.YUNPIAN].sub(r"{#}\1#", body)

    def _write_theirs(self, form: Form) -> str:
        marks = self._marks(form)
        body = ""
        ours: set[tuple[int, int]] = set()
        for piece in self.pieces:
            written = marks[piece.name] if isinstance(piece, Var) else piece
            if isinstance(piece, Var):
                ours.add((len(body), len(body) + len(written)))
            body += written
        # No provider documents an escape, so what it would misread cannot be written at all.
        for mark in _VARIABLE[form].finditer(body):
            if mark.span() not in ours:
                raise TemplateError(
                    "`{name}` is literal text here, but {form} would read it as a variable; word it "
                    "differently",
                    name=mark[0],
                    form=form.name,
                )
        return body


def _constant(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())


def _as_text(column: Any) -> pa.Array:
    """One plain large_string array, without a copy where it is one already."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return column if column.type == pa.large_string() else column.cast(pa.large_string())


def _quoted(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _read_signature(given: str) -> str:
    """The signature without its brackets and surrounding blanks; "" for a blank one."""
    bare = given.strip(_BLANKS)
    if not bare:
        return ""
    if pair := _SIGNATURE.fullmatch(bare):
        bare = pair[1].strip(_BLANKS)
        if not bare:
            raise TemplateError("the signature brackets 【】 are empty; write the name or remove them")
    if re.search(r"[【】{}\r\n]", bare) or _VARIABLE[Form.YUNPIAN].search(bare):
        raise TemplateError(
            "the signature `{text}` must be a plain name, without brackets or variables", text=bare
        )
    return bare


def _detect(body: str) -> Form:
    """The form that the variables in *body* are written in."""
    seen: dict[str, str] = {}  # kind -> the first one, to show
    for mark in _ANY_BRACES.finditer(body):
        seen.setdefault(str(mark.lastgroup), mark[0])
    # Doubled braces and {$} are ours, so beside them {1} is our variable named 1.
    if "tencent" in seen and not seen.keys().isdisjoint(("braces", "doubled", "sign")):
        seen.setdefault("braces", seen.pop("tencent"))
    if "sign" in seen:
        seen.setdefault("braces", seen.pop("sign"))
    forms = [form for form in Form if form in seen]
    if len(forms) > 1:
        shown = Joined((f"`{seen[form]}` ({form.name})" for form in forms), " and ")
        raise TemplateError("the template mixes two forms of variables, {forms}; use one", forms=shown)
    if forms:
        return forms[0]
    return Form.YUNPIAN if _VARIABLE[Form.YUNPIAN].search(body) else Form.BRACES


def _read(body: str, form: Form, *, offset: int = 0) -> Iterator[Piece]:
    """Split *body*; *offset* is how much of the whole text stood before it, for errors."""
    literal: list[str] = []
    end = 0
    for mark in (_OURS if form is Form.BRACES else _VARIABLE[form]).finditer(body):
        literal.append(body[end : mark.start()])
        end = mark.end()
        if form is not Form.BRACES:
            name = mark[1]
        elif escape := mark["escape"]:
            literal.append(escape[1] if len(escape) == 3 else escape[0])
            continue
        elif mark["stray"]:
            raise _stray_brace(body, mark.start(), offset)
        else:
            name = mark["name"]
        if joined := "".join(literal):
            yield joined
        literal.clear()
        yield Var(name)
    if joined := "".join([*literal, body[end:]]):
        yield joined


def _stray_brace(body: str, at: int, offset: int) -> TemplateError:
    n = offset + at + 1
    if pair := re.compile(r"\{[^{}]*\}").match(body, at):
        what = Message(
            "character {n} of the template: `{name}` is not a variable; a name has letters, digits, `_` and "
            "`-`. Write `{{{{` and `}}}}` for literal braces",
            n=n,
            name=pair[0],
        )
    else:
        what = Message(
            "character {n} of the template: the brace in `{name}` has no partner. Write `{{{{` and `}}}}` "
            "for literal braces",
            n=n,
            name=body[max(0, at - _EXCERPT // 2) : at + _EXCERPT],
        )
    return TemplateError(what)


def _number_repeated(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Give each place its own name where a name occurs more than once."""
    names = [piece.name for piece in pieces if isinstance(piece, Var)]
    seen: dict[str, int] = {}
    numbered: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Var) and names.count(piece.name) > 1:
            seen[piece.name] = seen.get(piece.name, 0) + 1
            piece = Var(f"{piece.name}{seen[piece.name]}")
            if piece.name in names:
                raise TemplateError(
                    "numbering the repeated `{{$…}}` gives `{name}`, which the template has already; give "
                    "each place its own name",
                    name=piece.name,
                )
        numbered.append(piece)
    return tuple(numbered)
