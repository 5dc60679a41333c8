"""
What Aliyun's console wants: the way to an account that can send, and the rules of signatures and templates.

Sources: help.aliyun.com, the pages named at each rule; read 2026-11.
"""

from __future__ import annotations

from datetime import date, timedelta

from smskit.message.lint import HAN, VERIFICATION, Kind, TemplateRule
from smskit.message.opt_out import OptOutRule, Place
from smskit.message.windows import Frequency, FrequencyCap, Terms
from smskit.models import MessageClass

_SIGNATURES = "help.aliyun.com: api-dysmsapi-2017-05-25-createsmssign"
_TEMPLATES = "help.aliyun.com/document_detail: 44357, 91975, 463237, 463270, 2806243"
OPT_OUT = OptOutRule(
    place=Place.TEMPLATE,
    taken=("拒收请回复R",),
    source=_TEMPLATES,
    read_on=date(2026, 11, 22),
)
# No page of theirs states hours of sending.
TERMS = Terms(
    often=(
        Frequency(
            cap=FrequencyCap(50, timedelta(days=1)),
            counts="signature, template and phone",
            source="help.aliyun.com/document_detail: 44335, 2881383",
            read_on=date(2026, 11, 22),
        ),
    )
)

STEPS = (
    "For promotions 推广短信 an enterprise account 企业账号. They go to members only; finance, games and "
    "social networks are excluded.",
    "A qualification 资质, then a signature 签名. The carriers' real-name filing 实名制报备 takes 5 to 10 "
    "working days; before it is done they may block messages.",
    "A template 模板 of the right kind: 推广短信 for `message_class: marketing`, 通知短信 for "
    "`notification`. Its code (`SMS_…`) is parameter `template_id`.",
    "An AccessKey of a RAM user who has AliyunDysmsFullAccess (RAM 访问控制 → AccessKey).",
    "A package 套餐包 or balance. smskit cannot read either: look in the console before a large campaign.",
)

TEMPLATE_RULES = (
    TemplateRule(
        kind=Kind.SIGNATURE_MISSING,
        en="Every message needs a signature (SignName).",
        zh="发送时必须指定签名",
        source="help.aliyun.com/document_detail: 55284 (SendSms)",
    ),
    TemplateRule(
        kind=Kind.SIGNATURE_LENGTH,
        least=2,
        most=12,
        en="A signature has 2 to 12 characters.",
        zh="签名为2~12个字符",
        source=_SIGNATURES,
    ),
    TemplateRule(
        kind=Kind.SIGNATURE_CHARSET,
        pattern=f"[^0-9A-Za-z{HAN}]",
        en="A signature has Chinese characters, letters and digits only.",
        zh="签名仅限中文、英文字母和数字",
        source=_SIGNATURES,
    ),
    TemplateRule(
        kind=Kind.SIGNATURE_CHARSET,
        pattern="(?i)^(?:测试|test)$",
        en="测试 and test are no signatures.",
        zh="签名不能为“测试”或“test”",
        source=_SIGNATURES,
    ),
    TemplateRule(
        kind=Kind.DOUBLED_SIGNATURE,
        en="Aliyun puts 【signature】 in front by itself; a template holds no 【】.",
        zh="签名由平台自动添加，模板内不能含【】",
        source=_TEMPLATES,
    ),
    TemplateRule(
        kind=Kind.BRACKETS_IN_BODY,
        en="A template holds no 【】 anywhere.",
        zh="模板内不能含【】",
        source=_TEMPLATES,
    ),
    TemplateRule(
        kind=Kind.MUST_NOT_HOLD,
        pattern=r"^[\[\]]|[\[\]]$",
        en="A template neither begins nor ends with [ or ].",
        zh="模板首尾不能有[ ]",
        source=_TEMPLATES,
    ),
    TemplateRule(
        kind=Kind.LONGEST_TEMPLATE,
        most=500,
        en="A template has 500 characters at most, variables as they are written.",
        zh="模板含变量不超过500个字符",
        source=_TEMPLATES,
    ),
    TemplateRule(
        kind=Kind.LONGEST_TEXT,
        most=500,
        en="A message has 500 characters at most, 【signature】 included.",
        zh="短信含签名不超过500个字符",
        source="help.aliyun.com/document_detail: 44335",
    ),
    TemplateRule(
        kind=Kind.REPEATED_VARIABLE,
        en="Each variable occurs once.",
        zh="同一变量不能重复出现",
        source=_TEMPLATES,
    ),
    TemplateRule(
        kind=Kind.ADJACENT_VARIABLES,
        en="Two variables do not touch.",
        zh="变量不能相连",
        source=_TEMPLATES,
    ),
    TemplateRule(
        kind=Kind.ALL_VARIABLES,
        en="A template is not all variables.",
        zh="模板不能全部由变量组成",
        source=_TEMPLATES,
    ),
    TemplateRule(
        kind=Kind.SYMBOLS_REFUSED,
        pattern="[★※→•①-⑳\u2600-\u27bf\U0001f000-\U0001faff]+",
        en="No emoji and no symbols such as ★ ※ → • ①.",
        zh="不能含表情符号及★※→•①等特殊符号",
        source=f"{_TEMPLATES}; 101346 (code isv.UNSUPPORTED_CONTENT)",
    ),
    TemplateRule(
        kind=Kind.TRADITIONAL_CHINESE,
        en="No traditional Chinese.",
        zh="不能含繁体字",
        source=f"{_TEMPLATES}; 101346 (code isv.UNSUPPORTED_CONTENT)",
        severe=False,  # which characters count as traditional is not said
    ),
    TemplateRule(
        kind=Kind.MUST_END_WITH,
        texts=OPT_OUT.taken,
        message_class=MessageClass.MARKETING,
        en=f"A promotion ends with {OPT_OUT.wording}.",
        zh=f"推广短信须以“{OPT_OUT.wording}”结尾",
        source=_TEMPLATES,
    ),
    TemplateRule(
        kind=Kind.MUST_NOT_HOLD,
        texts=OPT_OUT.taken,
        message_class=MessageClass.NOTIFICATION,
        en=f"A notification holds no {OPT_OUT.wording}.",
        zh=f"通知短信不能含“{OPT_OUT.wording}”",
        source=_TEMPLATES,
    ),
    TemplateRule(
        kind=Kind.MUST_NOT_HOLD,
        pattern=r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])",
        message_class=MessageClass.NOTIFICATION,
        en="Contacts in a notification are landline, 400 or 95 numbers.",
        zh="通知短信中的联系电话仅限固话、400或95号码",
        source=_TEMPLATES,
    ),
    TemplateRule(
        kind=Kind.LINK_IN_TEXT,
        en="A link is declared when the template is handed in (引流信息).",
        zh="模板含链接时须申报引流信息",
        source="help.aliyun.com: create-message-templates-1; CreateSmsTemplate, field TrafficDriving",
        severe=False,
    ),
    TemplateRule(
        kind=Kind.MOST_VARIABLES,
        most=1,
        message_class=MessageClass.NOTIFICATION,
        when=VERIFICATION,
        en="A template for verification codes has one variable.",
        zh="验证码模板只能有一个变量",
        source=f"{_TEMPLATES}; 101346 (code template_parameter_count_illegal)",
        severe=False,  # only if it is handed in as one; so are the next two
    ),
    TemplateRule(
        kind=Kind.LINK_IN_TEXT,
        message_class=MessageClass.NOTIFICATION,
        when=VERIFICATION,
        en="A template for verification codes holds no link.",
        zh="验证码模板不能含链接",
        source=_TEMPLATES,
        severe=False,
    ),
    TemplateRule(
        kind=Kind.VERIFICATION_VALUES,
        message_class=MessageClass.NOTIFICATION,
        when=VERIFICATION,
        en="A verification code has 4 to 6 letters or digits.",
        zh="验证码为4~6位字母或数字",
        source=f"{_TEMPLATES}; 101346 (code isv.PARAM_LENGTH_LIMIT)",
        severe=False,
    ),
)
