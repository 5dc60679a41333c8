"""
Which columns of a segment hold phones, persons and consent: recognised by name and by content.

Both have to fit: a column called 同意条款版本 that holds numbers is no consent, and a column of yes and no
that is called vip is none either. Phones are recognised by content alone, and their name decides between
several.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from smskit.audience.cells import says_yes, word
from smskit.audience.phones import normalise

__all__ = ["Roles", "consent_names", "names_amount", "names_phone", "phone_like", "roles_of"]

_SAMPLE_ROWS: Final = 2_000
_MOSTLY: Final = 0.5  # of the cells that are not empty

# Names are compared without blanks and signs between words, in small letters.
_PHONE: Final = re.compile(r"手机|移动电话|电话|号码|联系方式|mobile|phone|cell|msisdn|tel")
_OF_OTHERS: Final = re.compile(
    r"紧急|推荐|介绍|家长|门店|客服|店长|固定|座机|emergency|referr|store|agent|landline"
)
_PERSON: Final = re.compile(
    r"^(?:(?:用户|会员|客户|顾客|买家|粉丝|人员)(?:id|标识|编号|编码|号|代码|号码)|id"
    r"|(?:user|member|customer|client|person|contact|buyer|account|open|union|gio)?(?:id|no|code|number|key)"
    r"|uid|uuid|guid|cid|会员卡号|卡号|账号|帐号|工号)$"
)
_CONSENT: Final = re.compile(
    r"consent|optin|optedin|agree|permi|subscri|marketing|allow|accept|gdpr|pipl"
    r"|同意|许可|授权|订阅|允许|愿意|接受|接收|可营销|营销|推广"
)
# What says the opposite: a yes there is a no.
_REFUSAL: Final = re.compile(
    r"optout|optedout|unsub|refus|reject|decline|donot|dnd|退订|拒|勿扰|黑名单|取消|不同意|不接|未"
)


# What is counted or paid; and what is neither, though it may be in such a name: ids, codes, years.
_AMOUNT: Final = re.compile(
    r"金额|消费|花费|支付|付款|余额|积分|单价|价格|收入|销售|总额|客单|费用|次数|数量|件数|单数|人数|总数"
    r"|amount|spen[dt]|price|cost|gmv|revenue|sales|fee(?![dl])|balance|points|total|visits|orders|qty|ltv"
    r"|(?<!ac)(?<!dis)count(?!r?y|er)|times(?!tamp)"
)
_LABEL: Final = re.compile(r"id$|code|year|month|date|编号|编码|号|年|月|日期")


class Roles(NamedTuple):
    """Columns that look like one of the parameters of that name, the likeliest first."""

    phone: tuple[str, ...]
    user_id: tuple[str, ...]
    consent: tuple[str, ...]


def roles_of(frame: pd.DataFrame) -> Roles:
    """What the columns of *frame* look like, judged by their names and their first rows."""
    names = list(map(str, frame.columns))
    phones = phone_like(frame)
    persons = [n for n in names if n not in phones and _PERSON.search(_plain(n)) and _tells_apart(frame[n])]
    consents = [n for n in consent_names(names) if n not in phones and _yes_or_no(frame[n])]
    return Roles(tuple(sorted(phones, key=_other_phone)), tuple(persons), tuple(consents))


def consent_names(names: Sequence[str]) -> tuple[str, ...]:
    """Those of *names* that a column of consent may have; its cells have to be looked at."""
    plain = {name: _plain(name) for name in names}
    return tuple(n for n, text in plain.items() if _CONSENT.search(text) and not _REFUSAL.search(text))


def phone_like(frame: pd.DataFrame) -> tuple[str, ...]:
    """Columns whose first rows are phones, most of them."""
    head = frame.head(_SAMPLE_ROWS)
    found = []
    for name in map(str, frame.columns):
        if head[name].dtype.kind in "bMm":
            continue
        known = int(head[name].notna().sum())
        if known and np.count_nonzero(normalise(head[name]).e164) > known * _MOSTLY:
            found.append(name)
    return tuple(found)


def names_amount(name: str) -> bool:
    """
    Whether a column of that name says how much or how many: its numbers are read with thousands.

    >>> [names_amount(name) for name in ("金额", "spend_90d", "order_count", "订单编号", "account", "year")]
    [True, True, True, False, False, False]
    """
    plain = _plain(name)
    return bool(_AMOUNT.search(plain)) and not _LABEL.search(plain)


def names_phone(name: str) -> bool:
    """Whether a column of this name holds phones, by the name alone."""
    return _PHONE.search(_plain(name)) is not None


def names_own_phone(name: str) -> bool:
    """The same, of a phone of the person's own: not a shop's, or whoever is to be called in an emergency."""
    return _other_phone(name) == 0


def _other_phone(name: str) -> int:
    """0 for a name of the person's own phone, 1 for none that says so, 2 for one of somebody else."""
    text = _plain(name)
    return 2 if _OF_OTHERS.search(text) else 0 if _PHONE.search(text) else 1


def _tells_apart(column: pd.Series) -> bool:
    """Whether most of the first cells are filled, and differ."""
    head = column.head(_SAMPLE_ROWS)
    known = head.dropna()
    return len(known) > len(head) * _MOSTLY and known.nunique() > len(known) * _MOSTLY


def _yes_or_no(column: pd.Series) -> bool:
    """Whether most of the first cells that are filled say yes or no."""
    known = column.head(_SAMPLE_ROWS).dropna()
    if pd.api.types.is_bool_dtype(known.dtype):
        return bool(len(known))
    texts = pa.array(known.astype(str), pa.large_string(), from_pandas=True)
    filled = texts.filter(pc.not_equal(pc.utf8_trim_whitespace(texts), ""))
    return len(filled) > 0 and says_yes(filled).null_count < len(filled) * (1 - _MOSTLY)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", word(name))
