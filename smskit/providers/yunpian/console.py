"""
What Yunpian's console wants: the way to an account that can send; rules of signatures and templates.

Source: yunpian.com/official/document; read 2026-11.
"""

from __future__ import annotations

from datetime import date

from smskit.message.lint import Kind, TemplateRule
from smskit.message.opt_out import OptOutRule, Place
from smskit.models import MessageClass

STEPS = (
    "For marketing a company account with a marketing sub-account 营销子账号; notices go through a "
    "system one 系统子账号. Each has its own apikey, signatures and templates.",
    "The apikey of that sub-account (账户设置).",
    "An approved signature 签名 and template 模板 in the same sub-account. A text is sent only when it "
    "matches a template word for word.",
    "This machine's address in 系统设置 → IP白名单设置, where that list is switched on.",
    "获取状态报告 and 获取回复短信 switched on: else nothing can be fetched. Both are kept for 72 h.",
)
_DOCUMENT = "yunpian.com/official/document"
OPT_OUT = OptOutRule(
    place=Place.TEXT,
    source="yunpian.com names no wording for text messages; usual ones end with 退订 or 拒收请回复R",
    read_on=date(2026, 11, 22),
)
TEMPLATE_RULES = (
    TemplateRule(
        kind=Kind.SIGNATURE_MISSING,
        en="The text begins with 【signature】 (code 2).",
        zh="短信和模板开头须带【签名】",
        source=f"{_DOCUMENT}: domestic_tpl_get, returnvalue_example",
    ),
    TemplateRule(
        kind=Kind.SIGNATURE_LENGTH,
        least=2,
        most=20,
        en="A signature has 2 to 20 characters.",
        zh="签名为2~20个字符",
        source=f"{_DOCUMENT}: domestic_sign_add",
    ),
    TemplateRule(
        kind=Kind.SIGNATURE_CHARSET,
        pattern="云片网",
        en="A signature does not hold 云片网.",
        zh="签名不能含“云片网”",
        source=f"{_DOCUMENT}: domestic_sign_add",
    ),
    TemplateRule(
        kind=Kind.DOUBLED_SIGNATURE,
        en="The signature stands in the text once, at its front (code 16).",
        zh="签名在短信中只出现一次，且须在最前",
        source=f"{_DOCUMENT}: returnvalue_common",
    ),
    TemplateRule(
        kind=Kind.BRACKETS_IN_BODY,
        en="Only one 【】 is in the text, at its front (code 16).",
        zh="短信中只能有一个【】，且须在最前",
        source=f"{_DOCUMENT}: returnvalue_common",
    ),
    TemplateRule(
        kind=Kind.LONGEST_TEXT,
        most=500,
        en="A message has 500 characters at most, signature included (code 48).",
        zh="短信含签名不超过500个字符",
        source=f"{_DOCUMENT}: en/domestic_single_send",
    ),
    TemplateRule(
        kind=Kind.LONGEST_TEXT,
        most=400,
        en="Yunpian's support says that 400 characters are the most.",
        zh="云片客服称最长400个字符",
        source="Yunpian's support desk, about 2018",
        severe=False,
    ),
    TemplateRule(
        kind=Kind.MUST_END_WITH,
        texts=(OPT_OUT.wording, "回T退订", "回TD退订"),
        message_class=MessageClass.MARKETING,
        en="Marketing messages usually end with a way to opt out; no page of Yunpian demands a wording.",
        zh="营销短信通常以退订方式结尾，云片文档未规定固定写法",
        source="usual wordings; developer.qiniu.com/sms/5814/template-specification",
        severe=False,
    ),
)
