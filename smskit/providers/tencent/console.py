"""
What Tencent's console wants: the way to an account that can send, and the rules of signatures and templates.

Sources: cloud.tencent.com and tencentcloud.com, document/product; comments in the official SDK's
``errorcodes.py`` (sms 3.1.153); read 2026-11.
"""

from __future__ import annotations

from datetime import date, time, timedelta

from smskit.message.lint import HAN, VERIFICATION, Kind, TemplateRule
from smskit.message.opt_out import OptOutRule, Place
from smskit.message.windows import Frequency, FrequencyCap, Hours, SendWindow, Terms
from smskit.models import MessageClass

_SEND = "cloud.tencent.cn: document/product/409/55981 (SendSms)"
_LENGTH = "tencentcloud.com: document/product/382/18052, 34671"
_CODES = "tencentcloud-sdk-python-sms, errorcodes.py"
_FREQUENCY = "tencentcloud.com: document/product/382/34689"
TERMS = Terms(
    hours=Hours(
        window=SendWindow(time(8), time(22)),
        source=f"{_CODES}: MarketingSendTimeConstraint",
        read_on=date(2026, 11, 22),
    ),
    often=(
        Frequency(
            cap=FrequencyCap(1, timedelta(seconds=30)),
            counts="content",
            source=_FREQUENCY,
            read_on=date(2026, 11, 22),
        ),
        Frequency(
            # The China site and the Japanese page; the international page of 2024-05-27 says 2.
            cap=FrequencyCap(10, timedelta(days=1)),
            counts="phone; the account may set others",
            source=_FREQUENCY,
            read_on=date(2026, 11, 22),
        ),
    ),
)
OPT_OUT = OptOutRule(
    place=Place.TEMPLATE,
    taken=("拒收请回复R",),
    source=f"{_CODES}: MarketingTemplateWithoutUnsubscribe",
    read_on=date(2026, 11, 22),
    numbers="e164",
)

STEPS = (
    "An account certified as a company 企业认证: a personal one may neither send marketing messages nor be "
    "asked about templates.",
    "An approved signature 签名 and template 正文模板; the template's number is parameter `template_id`.",
    "An application 应用 (应用管理): its SDKAppID goes into `SMSKIT_TENCENT_APP_ID`.",
    "SecretId and SecretKey of a CAM user who may use SMS (访问管理 → API密钥管理); keys of sub-accounts may "
    "be refused some questions.",
    "A package 套餐包, or billing after the month 后付费 (then set `SMSKIT_TENCENT_POSTPAID=1`).",
    "How long a variable may be for this account (正文模板管理 → 创建): put it into "
    "`SMSKIT_TENCENT_PARAMETER_LENGTH`, and the plan says who has more.",
)

TEMPLATE_RULES = (
    TemplateRule(
        kind=Kind.SIGNATURE_MISSING,
        en="A message to the mainland needs a signature (SignName).",
        zh="国内短信必须指定签名",
        source=_SEND,
    ),
    TemplateRule(
        kind=Kind.SIGNATURE_LENGTH,
        least=2,
        most=12,
        en="A signature has 2 to 12 characters.",
        zh="签名为2~12个字符",
        source=_SEND,
    ),
    TemplateRule(
        kind=Kind.SIGNATURE_CHARSET,
        pattern=f"[^0-9A-Za-z{HAN}]",
        en="A signature has Chinese characters, letters and digits only.",
        zh="签名仅限中文、英文字母和数字",
        source=_SEND,
    ),
    TemplateRule(
        kind=Kind.DOUBLED_SIGNATURE,
        en="Tencent puts 【signature】 in front by itself, so people would read it twice.",
        zh="签名由平台自动添加，正文再写会重复",
        source=f"{_SEND}; {_LENGTH}",
        severe=False,
    ),
    TemplateRule(
        kind=Kind.LONGEST_TEXT,
        most=500,
        en="A message has 500 characters at most, 【signature】 included.",
        zh="短信含签名不超过500个字符",
        source=f"{_LENGTH}; {_CODES}: ContentLengthLimit",
    ),
    TemplateRule(
        kind=Kind.MUST_END_WITH,
        texts=OPT_OUT.taken,
        message_class=MessageClass.MARKETING,
        en=f"A marketing template ends with {OPT_OUT.wording}; nothing is added when it is sent.",
        zh=f"营销模板须以“{OPT_OUT.wording}”结尾，发送时不会自动添加",
        source=f"{_CODES}: MarketingTemplateWithoutUnsubscribe",
    ),
    TemplateRule(
        kind=Kind.MOST_VARIABLES,
        most=0,
        en="New notice and marketing templates may not hold variables; they are refused when handed in.",
        zh="新申请的通知类、营销类模板不支持变量，提交审核时即被拒绝",
        source=f"{_CODES}: UnsupportedTemplateVariable",
        severe=False,
    ),
    TemplateRule(
        kind=Kind.VERIFICATION_VALUES,
        message_class=MessageClass.NOTIFICATION,
        when=VERIFICATION,
        en="A verification template takes 0 to 6 digits in a variable, and nothing else.",
        zh="验证码模板变量仅限0~6位数字",
        source=f"{_CODES}: TemplateParameterFormatError",
        severe=False,  # only if it is handed in as one; so is the next
    ),
    TemplateRule(
        kind=Kind.LINK_IN_TEXT,
        message_class=MessageClass.NOTIFICATION,
        when=VERIFICATION,
        en="A verification template allows no link.",
        zh="验证码模板不能含链接",
        source=f"{_LENGTH}, 3771",
        severe=False,
    ),
)
