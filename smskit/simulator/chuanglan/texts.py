"""
Texts at Chuanglan: decoding, signatures, ``{$var}``, and templates in their console form.

Source: dossier sections 1, 2, 2.2 and 3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote_plus

from smskit.simulator.accounts import Account, Review, Template, approved
from smskit.simulator.chuanglan.dialect import UNDOCUMENTED
from smskit.simulator.dialect import Refusal, refuse, template_of

MARK = "{$var}"

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SIGNATURE = re.compile(r"【([^【】]+)】")
# {$var} in a text, {s} or {s10} as the console writes it with the longest a value may be.
_VARIABLE = re.compile(r"\{\$var\}|\{s([0-9]*)\}")


def percent_decoded(msg: str) -> str:
    """Return *msg* url-decoded once, a plus as a blank; escapes that are none are code 128."""
    refuse((_BAD_ESCAPE.search(msg), "128"))
    try:
        return unquote_plus(msg, errors="strict")
    except UnicodeDecodeError:
        raise Refusal("128") from None


def units(text: str) -> int:
    """Return the length in UTF-16 code units; how the real one counts an emoji is not known."""
    return len(text.encode("utf-16-le", "replace")) >> 1


def signature_of(text: str) -> str:
    """Return the name in the brackets a text begins with, or ""."""
    found = _SIGNATURE.match(text)
    return found[1] if found else ""


def bracketed(account: Account, given: str, code: str) -> str:
    """Return a signature, given with its brackets or without, in them; one that is not filed is refused."""
    name = given.strip("【】")
    if account.signatures is not None and not approved(account.signatures, name):
        raise Refusal(code, f"签名 {name} 未报备")
    return f"【{name}】"


def fill(msg: str, rows: Sequence[Sequence[str]]) -> list[str]:
    """Return *msg* filled from left to right with each row's values."""
    first, *rest = msg.split(MARK)
    return [first + "".join([value + piece for value, piece in zip(row, rest, strict=True)]) for row in rows]


def check_review(account: Account, text: str) -> None:
    """
    Refuse a text for the templates of its account.

    What matches a refused one is refused (125). What matches none is refused at
    verification accounts only (126); at others a person looks at it, and their
    word comes as a report: see `is_rejected`.
    """
    refuse(
        (_matches(account, text, Review.REJECTED), "125"),
        (account.credential.startswith("YZM") and is_rejected(account, text, ""), "126"),
    )


def is_rejected(account: Account, text: str, template_id: str) -> bool:
    """Whether the review of a text that matched no template ended badly; here it always does."""
    checked = account.templates is not None and not template_id
    return checked and not _matches(account, text, Review.APPROVED)


def _matches(account: Account, text: str, state: Review) -> bool:
    return template_of(account, _SIGNATURE.sub("", text, count=1), state, _pattern) is not None


def _pattern(content: str) -> str:
    pieces, end = [], 0
    content = _SIGNATURE.sub("", content, count=1) if content.startswith("【") else content
    for mark in _VARIABLE.finditer(content):
        pieces.append(re.escape(content[end : mark.start()]))
        pieces.append(f".{{0,{mark[1]}}}" if mark[1] else ".*")
        end = mark.end()
    return "".join(pieces) + re.escape(content[end:])


def find_template(account: Account, template_id: str) -> Template | None:
    """Return the template; None where the account does not check them."""
    template = approved(account.templates, template_id)
    if template is None and account.templates is not None:
        raise Refusal(UNDOCUMENTED, f"模板 {template_id} 不可用")
    return template


def fill_template(template: Template | None, template_id: str, values: Mapping[str, str]) -> str:
    """Return the text of a template with param1, param2 … in its places; all must be there."""
    if template is None:
        # Nobody knows the text, but the judge must see who got which values.
        return f"模板{template_id}" + "".join(f"，{name}={value}" for name, value in values.items())
    wanted = [f"param{n + 1}" for n in range(len(_VARIABLE.findall(template.content)))]
    refuse((set(values) != set(wanted), Refusal(UNDOCUMENTED, "模板参数个数不符")))
    left = iter(wanted)
    return _VARIABLE.sub(lambda _: values[next(left)], template.content)
