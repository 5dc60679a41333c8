"""
What Chuanglan's console wants: the way to an account that can send; rules of signatures and templates.

Sources: doc.chuanglan.com; 253云通讯PaaS短信云接口说明（JSON版）; read 2026-11.
"""

from __future__ import annotations

from datetime import date, timedelta

from smskit.message.lint import Kind, TemplateRule
from smskit.message.opt_out import OptOutRule, Place
from smskit.message.windows import Frequency, FrequencyCap, Terms
from smskit.models import MessageClass

STEPS = (
    "A company account with real-name certification 实名认证; a signature can be filed only after it.",
    "An API account and its password (API账号, API密码), not the console login. One account sends one "
    "kind: 验证码 codes, 通知 notices, or 会员营销 marketing.",
    "The address the console names for it: put it into `SMSKIT_CHUANGLAN_BASE_URL`.",
    "This machine's public address bound to the account (加白请求IP).",
    "A filed signature 签名. Texts that match no approved template 模板 wait for a person's review, and "
    "may be refused later, in the report.",
    "Reports and replies set to be fetched (拉取), not pushed.",
)
MOST_VARIABLES = 20  # in one text with {$var}
_PAGE_OF_RULES = "doc.chuanglan.com: HAQYSZKH9HT5Z50L"
OPT_OUT = OptOutRule(
    place=Place.TEXT, taken=("拒收请回复R",), source=_PAGE_OF_RULES, read_on=date(2026, 11, 22)
)
# A window of its own depends on the account (code 110); the hours are not published.
TERMS = Terms(
    often=(
        Frequency(
            cap=FrequencyCap(10, timedelta(days=1)),
            counts="phone; changed on request",
            source="blog.csdn.net/luck_yunyun, 2018-08",
            read_on=date(2026, 11, 22),
        ),
    )
)
TEMPLATE_RULES = (
    TemplateRule(
        kind=Kind.SIGNATURE_MISSING,
        en="The text begins with a filed signature (code 116).",
        zh="短信须带已报备的签名",
        source=_PAGE_OF_RULES,
    ),
    TemplateRule(
        kind=Kind.DOUBLED_SIGNATURE,
        en="A message is 【signature】 and text: one signature, in front.",
        zh="短信格式为【签名】+正文，签名只写一次",
        source=_PAGE_OF_RULES,
    ),
    TemplateRule(
        kind=Kind.BRACKETS_IN_BODY,
        en="The signature is told by its 【】; other ones in the text may be taken for it.",
        zh="签名以【】识别，正文中的【】可能被误认为签名",
        source=_PAGE_OF_RULES,
        severe=False,
    ),
    TemplateRule(
        kind=Kind.LONGEST_TEXT,
        most=536,
        en="A message has 536 characters at most, signature included (code 106).",
        zh="短信含签名不超过536个字符",
        source="253云通讯PaaS短信云接口说明（JSON版） 2.1",
    ),
    TemplateRule(
        kind=Kind.MOST_VARIABLES,
        most=MOST_VARIABLES,
        en="One request takes 20 variables; with more of them smskit sends to one person at a time.",
        zh="变量短信最多20个变量，超出时逐条发送",
        source="253云通讯PaaS短信云接口说明（JSON版） 2.2",
        severe=False,
    ),
    TemplateRule(
        kind=Kind.MUST_END_WITH,
        texts=OPT_OUT.taken,
        message_class=MessageClass.MARKETING,
        en="A marketing message ends with 拒收请回复R, capital R; older wordings are not taken any more.",
        zh="营销短信须以“拒收请回复R”结尾，R大写；“退订回T”等旧写法不再接受",
        source=_PAGE_OF_RULES,
    ),
)
