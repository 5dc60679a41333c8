"""
``CampaignSpec``: the one validated description of a campaign.

Widgets edit it, papermill parameters build it, the ledger stores it, and
``to_yaml`` writes the file papermill reads with ``-f``. It knows names, types
and ranges; whether they fit a segment or a provider is found out by planning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from smskit.audience.rules.values import describe
from smskit.errors import SpecError
from smskit.i18n import Joined, Message
from smskit.message.variables import parse_bindings, to_data
from smskit.message.windows import FrequencyCap, SendWindow, parse_cap, parse_window
from smskit.models import TIMEZONE, MessageClass, Mode
from smskit.planning.experiment import parse_arm
from smskit.planning.occurrence import with_occurrence
from smskit.planning.parameter_file import placed, read_file, write
from smskit.planning.phones_for_tests import is_reference, references
from smskit.planning.problems import NO_TIME, Problems, of_credentials, of_names, of_people, of_values

# Fields that decide who is messaged what. A campaign id that was started with
# one set of them is never continued with another.
DEFINITION = (
    "segment",
    "segment_query",
    "sheet",
    "heading_row",
    "rules",
    "user_id",
    "phone",
    "provider",
    "signature",
    "template_id",
    "template",
    "variables",
    "message_class",
    "opt_out_wording",
    "consent",
    "frequency_cap",
    "holdout",
    "global_holdout",
    "series",
    "arm",
    "timezone",
)

_WORDING = re.compile("退|拒|取消|不再|stop|unsubscribe|opt.?out", re.IGNORECASE)


class CampaignSpec(BaseModel):
    """
    Everything that decides a campaign, except credentials.

    Unknown names are refused with the nearest known one, and a value that
    looks like a credential is refused without being repeated. Frozen: ``model_copy``
    or `open_campaign` with keywords make another one.

    >>> import smskit
    >>> spec = smskit.CampaignSpec(campaign="vip-2026-11", segment="sample_segments/clean.csv",
    ...                            signature="GrowingIO", template="你好{name}，拒收请回复R",
    ...                            variables={"name": "name"}, max_recipients=500)
    >>> print(spec.to_yaml(), end="")
    campaign: vip-2026-11
    segment: sample_segments/clean.csv
    signature: GrowingIO
    template: 你好{name}，拒收请回复R
    variables:
      name: name
    max_recipients: 500
    >>> smskit.CampaignSpec(campaign="vip-2026-11", max_cost="-5")
    Traceback (most recent call last):
    smskit.errors.SpecError: parameter `segment` is required; parameter `max_cost`: must be at least 0

    Raises:
        SpecError: an unknown name, a missing parameter, or a value out of range; all of them at once.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", coerce_numbers_to_str=True, hide_input_in_errors=True
    )

    campaign: str = Field(
        min_length=1,
        max_length=120,
        pattern=r"^[\w.:+-]+$",
        description="id; one message per person per campaign and mode. A repeating campaign puts its "
        "occurrence in it (`weekly-vip-2026-W47`)",
        examples=["weekly-vip-2026-W47"],
    )
    series: str = Field(
        default="",
        max_length=120,
        pattern=r"^[\w.:+-]*$",
        description="what a repeating campaign is called without its occurrence: holdout and drift go by it. "
        "Empty: the text of `campaign` without its placeholder (`weekly-vip-{week}` is of `weekly-vip`), or "
        "the id itself where it has none",
        examples=["weekly-vip"],
    )
    segment: str = Field(
        min_length=1,
        description="csv, tsv, parquet or xlsx path; a folder of parquet files, a pattern "
        "(`data/*.parquet`) or an address of an object store (`s3://…`); SQLAlchemy URL without a password; "
        "or `env:NAME`, a variable holding a URL. `{day}`, `{week}` and `{month}` as in `campaign`",
        examples=["sample_segments/clean.csv", "export/{day}/*.parquet", "env:CRM_URL"],
    )
    engine: Literal["auto", "memory", "dask"] = Field(
        default="auto",
        description="how parquet and queries are planned: in `memory`, or in parts by `dask` (extra "
        "`large`); `auto`: in parts where they have more rows than `SMSKIT_FRAME_ROWS`. Plan and hash are "
        "the same by either",
    )
    segment_query: str = Field(default="", description="SQL, when `segment` is a database")
    sheet: str = Field(
        default="",
        description="of a workbook; empty = the one visible sheet that has the columns. Hidden sheets are "
        "never read; hidden rows are left out, with a notice",
    )
    heading_row: int = Field(
        default=0,
        ge=0,
        description="of a workbook or text file: the number of the row that names the columns, as a "
        "spreadsheet shows it; 0 = the first row, or the first below a title, with a notice",
        examples=[3],
    )
    rules: dict[str, Any] | list[Any] | None = Field(
        default=None,
        description="filter as data; its operators are below",
        examples=[{"all": [{"column": "level", "op": "in", "value": ["gold", "platinum"]}]}],
    )
    user_id: str = Field(
        default="user_id", description="column naming the person; empty = the phone is the person"
    )
    phone: str = Field(default="phone", min_length=1, description="column holding the phone number")
    provider: str = Field(
        default="yunpian", description="a registered provider", examples=["yunpian", "aliyun"]
    )
    signature: str = Field(
        default="", description="the sender's name, without brackets", examples=["GrowingIO"]
    )
    template_id: str = Field(
        default="", description="the provider's id; the text is fetched from the provider where its API can"
    )
    template: str = Field(
        default="",
        description="the text, with `{name}` or the provider's own form of variables",
        examples=["你好{name}，恭喜你获得100元VIP优惠券，请于3天内在App使用。拒收请回复R"],
    )
    variables: dict[str, Any] = Field(
        default_factory=dict,
        description='`name: column`, `name: {column: c, default: d, format: "%m月%d日"}` or `name: {value: '
        "v}`",
        examples=[
            {"name": "name", "until": {"column": "expires", "format": "%m月%d日"}, "gift": {"value": 100}}
        ],
    )
    message_class: MessageClass = Field(
        default=MessageClass.MARKETING,
        description="`marketing` obeys consent, opt-out wording and the send window; or `notification`",
    )
    mode: Mode = Field(
        default=Mode.REHEARSE,
        description="`plan` submits nothing, `rehearse` submits to the simulator, `live` to the provider",
    )
    max_recipients: int = Field(
        default=1000, ge=0, description="a larger plan stops before the first submission"
    )
    max_cost: Decimal | None = Field(
        default=None,
        ge=0,
        description="yuan; a dearer plan stops before the first submission",
        examples=["500"],
    )
    price_per_part: Decimal = Field(default=Decimal("0.05"), ge=0, description="yuan, for the estimate")
    plan_hash: str = Field(default="", description="when given, any other plan is refused")
    opt_out_wording: str = Field(
        default="",
        description="how marketing texts say how to opt out (退订方式). Empty: the text stays as it is, "
        "and a lack is shown in the plan; `add`: the provider's own wording (拒收请回复R) is appended "
        "where the text is ours and has none; `demand`: a text without one is refused; any other wording "
        "is appended as it stands. What each provider says: docs/providers",
        examples=["add", "demand", "拒收请回复R"],
    )
    consent: str = Field(
        default="", description="column that must be true for marketing; empty = all have consented"
    )
    send_window: str = Field(
        default="08:00-20:00",
        description="local hours in which live marketing may leave; may cross midnight; empty = always. "
        "Narrowed by what the provider states (Tencent: 08:00-22:00)",
        examples=["08:00-20:00", "22:00-06:00"],
    )
    outside_window: Literal["stop", "wait"] = Field(
        default="stop",
        description="`stop`: a run outside the window pauses (exit 4); `wait`: it waits until the window "
        "opens, in the middle of a run too, never past `not_after`",
    )
    timezone: str = Field(
        default=TIMEZONE,
        description="in which `send_window` and `not_after` are read, and by whose clock rules and messages "
        "count days and times",
        examples=["UTC"],
    )
    not_after: datetime | None = Field(
        default=None,
        description="ISO date or date-time; a run that comes later refuses",
        examples=["2026-11-23T20:00"],
    )
    frequency_cap: str = Field(
        default="",
        description="`2/7d`: at most 2 accepted messages per phone in any 7 days, over all live campaigns; "
        "looked at for the plan and again as each batch is claimed, so campaigns may run at once. What may "
        "have been accepted counts; a message of exactly 7 days ago does not",
        examples=["2/7d", "1/24h"],
    )
    holdout: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share kept back, by a stable hash of person and `series`: `weekly-vip-2026-W47` and "
        "`-W48` of one series keep the same people back",
    )
    global_holdout: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share kept back from all marketing, the same people whatever the campaign (salted by "
        "`SMSKIT_HOLDOUT_KEY`)",
    )
    keep: list[str] = Field(
        default_factory=list,
        description="columns of the segment that are stored with the audience, who is kept back included, as "
        "they are at the send: for effects by segment and exports",
        examples=[["level", "city"]],
    )
    arm: dict[str, Any] | None = Field(
        default=None,
        description="this campaign is one arm of an experiment: `{experiment: NAME, name: yunpian, from: "
        "0.0, "
        "to: 0.5}`. Who lies outside, by a stable hash of person and experiment, is excluded as `other_arm`",
        examples=[{"experiment": "providers", "name": "yunpian", "from": 0.0, "to": 0.5}],
    )
    fits: list[str] = Field(
        default_factory=list,
        description="providers whose rules about values and length hold for this campaign as well: the same "
        "in each arm of an experiment in which providers are tried, so that all leave out the same people",
        examples=[["yunpian", "aliyun"]],
    )
    canary: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share that is sent to first, at least 20 people; after `canary_wait` receipts and "
        "replies are fetched, and it goes on or stops (exit 4; run again, and it looks again; with "
        "`canary: 0` it goes on anyway). Receipts for less than half of them are too few to go on",
    )
    canary_wait: str = Field(
        default="1h",
        description="how long a canary is waited for: `90s`, `30m`, `2h`, `1d`; in a rehearsal, whose "
        "receipts come at once, no longer than 3 seconds",
        examples=["30m", "2h"],
    )
    canary_max_failure: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="most of a canary that may be refused, undelivered or unclear, of those of whom "
        "something is known",
    )
    canary_max_opt_out: float = Field(
        default=0.01, ge=0, le=1, description="most of a canary that may opt out, of those who were sent to"
    )
    drift: Literal["stop", "allow"] = Field(
        default="stop",
        description="a run that is far from its series' last finished runs (below) is refused and says "
        "what changed; `allow` lets it go",
    )
    drift_factor: float = Field(
        default=2.0,
        gt=1,
        allow_inf_nan=False,
        description="how many times as many, or as few, people as usual are too far",
    )
    test_phones: list[str] = Field(
        default_factory=list,
        repr=False,
        description="numbers for `campaign.test_send()`: `env:NAME`, a variable that holds them, or "
        "`file:PATH`, a text file of the owner's alone; a list of numbers too, which are never shown or "
        "saved in full",
        examples=["env:SMS_TEST_PHONES", ["file:test_phones.txt"]],
    )

    @field_validator("*", mode="before")
    @classmethod
    def _text_is_text(cls, value: object, info: ValidationInfo) -> object:
        # 2026.10 is 2026.1 by the time it is a float; a whole number has lost nothing a person would write.
        if isinstance(value, float) and info.field_name in TEXTS:
            raise ValueError(
                Message("is text but given as a number, which makes 2026.1 of 2026.10; put it in quotes")
            )
        if isinstance(value, bool):  # what YAML makes of yes, no, on and off; no parameter is one
            raise ValueError(Message("is given as yes or no, which no parameter takes"))
        return value

    @field_validator("rules", mode="before")
    @classmethod
    def _rules_are_data(cls, value: object) -> object:
        if value is not None and not isinstance(value, Mapping | list | tuple):
            raise ValueError(
                Message(
                    "must be data, such as {{column: level, op: ==, value: gold}}, or a list of such, not "
                    "{why}",
                    why=describe(value),
                )
            )
        return value

    @field_validator("test_phones", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) and is_reference(value) else value

    @field_validator("max_cost", "price_per_part", mode="before")
    @classmethod
    def _exact_money(cls, value: object) -> object:
        # 0.05 typed in YAML is a float; its shortest text is what was meant.
        return str(value) if isinstance(value, float) else value

    @field_validator("not_after", mode="before")
    @classmethod
    def _whole_day(cls, value: object) -> object:
        # A bare date means until the end of that day, which is how people read it.
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                raise ValueError(Message(NO_TIME)) from None
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime.combine(value, time.max)
        if not isinstance(value, datetime | None) and not re.match(r"\d{4}-\d{2}-\d{2}", str(value)):
            # 20261123 would be read as seconds since 1970.
            raise ValueError(Message(NO_TIME))
        return value

    @field_validator("max_cost", "not_after", "arm", mode="before")
    @classmethod
    def _blank_is_none(cls, value: object) -> object:
        # Runs before `_whole_day`: of such validators pydantic takes the last one first.
        return None if value == "" else value

    @field_validator("variables")
    @classmethod
    def _bindings_as_text(cls, value: dict[str, Any]) -> dict[str, Any]:
        # JSON and YAML write a date in their own way, so what a literal says is settled here.
        return to_data(parse_bindings(value))

    @field_validator("send_window", "frequency_cap", "canary_wait")
    @classmethod
    def _can_be_read(cls, value: str, info: ValidationInfo) -> str:
        readers = {"send_window": parse_window, "frequency_cap": parse_cap, "canary_wait": _parse_wait}
        readers[str(info.field_name)](value)
        return value

    @field_validator("keep", "fits", mode="before")
    @classmethod
    def _names_in_one_text(cls, value: object) -> object:
        return (
            [name for part in value.split(",") if (name := part.strip())] if isinstance(value, str) else value
        )

    @field_validator("arm")
    @classmethod
    def _arm_reads(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if value is None else parse_arm(value)

    @field_validator("opt_out_wording")
    @classmethod
    def _wording_is_one(cls, value: str) -> str:
        # Whatever stands here goes out to everybody, so a misspelt `demand` must not.
        value = value.strip()
        if value not in ("", "add", "demand") and not _WORDING.search(value):
            raise ValueError(
                Message("must be add, demand, empty, or words that say how to opt out such as 拒收请回复R")
            )
        return value

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(Message("is not a time zone name such as Asia/Shanghai")) from None
        return value

    @field_validator("campaign", mode="before")
    @classmethod
    def _occurrence_filled_in(cls, value: object) -> object:
        # Plain papermill hands a file's text on as it stands.
        if isinstance(value, str) and re.search(r"\{\w*\}", value):
            what = Message(
                "holds a placeholder, which `smskit run FILE` fills in; papermill is given the id: -r "
                "campaign weekly-vip-2026-W47 -r series weekly-vip"
            )
            raise ValueError(what)
        return value

    @field_validator("signature")
    @classmethod
    def _no_brackets(cls, value: str) -> str:
        return re.sub(r"^[\s【]+|[\s】]+$", "", value)

    if not TYPE_CHECKING:  # a type checker reads the fields instead

        def __init__(self, **data: Any) -> None:
            known = CampaignSpec.model_fields
            problems = of_names(data, known) + of_credentials(data, known) + of_people(data)
            try:
                super().__init__(**{name: value for name, value in data.items() if name in known})
            except ValidationError as error:
                problems += of_values(error)
            if problems:
                # Raised out here: pydantic's error holds the values, and would travel along as context.
                raise SpecError(Joined(text for _, text in problems), problems=problems)

    # -- reading ------------------------------------------------------------

    @classmethod
    def from_data(cls, data: Mapping[str, Any], *, file: str | Path | None = None) -> CampaignSpec:
        """
        Validate plain *data* (what a YAML file or a set of parameters holds).

        Args:
            file: The parameter file that holds it; what is wrong is then said with its lines.
        """
        problems: Problems = []
        try:
            return cls(**{str(name): value for name, value in data.items()})
        except SpecError as error:
            if file is None:
                raise
            problems = error.problems
        raise SpecError(placed(problems, file), problems=problems)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> tuple[CampaignSpec | None, Problems]:
        """The spec, or None and every problem there is, each as (parameter, sentence)."""
        try:
            return cls.from_data(data), []
        except SpecError as error:
            return None, error.problems

    @classmethod
    def as_started(cls, data: Mapping[str, Any]) -> CampaignSpec:
        """
        The parameters a campaign in the ledger was started with.

        Its rules have been applied and are only told of, so phones in them, which are refused today, stay.
        """
        rules = data.get("rules")
        return cls.from_data({**data, "rules": None}).model_copy(update={"rules": rules})

    @classmethod
    def from_yaml(cls, path: str | Path, *, now: datetime | None = None) -> CampaignSpec:
        """
        Read the parameter file at *path*, the one papermill takes with ``-f``.

        Args:
            now: Aware; of a repeating campaign it says which occurrence is meant. None = this moment.
        """
        data = with_occurrence(read_file(path), now=now or datetime.now(UTC))
        return cls.from_data(data, file=path)

    # -- writing ------------------------------------------------------------

    def to_data(self) -> dict[str, Any]:
        """Plain data with only what differs from the defaults; ``from_data`` reads it back."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def to_yaml(self) -> str:
        """The text of a parameter file for ``papermill -f``; numbers of test phones are in no file."""
        data = self.to_data() | {"test_phones": references(self.test_phones)}
        return write({name: value for name, value in data.items() if name != "test_phones" or value})

    def definition(self) -> dict[str, Any]:
        """The fields that decide who gets what, as plain data."""
        return self.model_dump(mode="json", include=set(DEFINITION))

    # -- reading between the lines -------------------------------------------

    @property
    def series_name(self) -> str:
        """The series this campaign is one of; its own id where none is named."""
        return self.series or self.campaign

    @property
    def zone(self) -> ZoneInfo:
        """The campaign's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def window(self) -> SendWindow | None:
        """When messages may leave; None = always. Only marketing has a window."""
        return parse_window(self.send_window) if self.message_class is MessageClass.MARKETING else None

    @property
    def cap(self) -> FrequencyCap | None:
        """The frequency cap, None = none."""
        return parse_cap(self.frequency_cap)

    @property
    def canary_pause(self) -> timedelta:
        """How long a canary is waited for."""
        return _parse_wait(self.canary_wait)

    @property
    def deadline(self) -> datetime | None:
        """``not_after`` as an aware time; a bare one is in the campaign's zone."""
        if self.not_after is None or self.not_after.tzinfo:
            return self.not_after
        return self.not_after.replace(tzinfo=self.zone)


TEXTS = frozenset(name for name, field in CampaignSpec.model_fields.items() if field.annotation is str)


def check_names(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    *data* itself, whose names are all parameters and whose values are no credentials.

    Raises:
        SpecError: an unknown name, with the nearest known one, or a credential, which is not repeated.
    """
    known = CampaignSpec.model_fields
    if problems := of_names(data, known) + of_credentials(data, known):
        raise SpecError(Joined(text for _, text in problems))
    return data


def _parse_wait(text: str) -> timedelta:
    match = re.fullmatch(r"\s*(\d{1,6})\s*([smhd])\s*", text)
    if not match:
        raise ValueError(Message("must read like 30m, 2h or 1d"))
    return int(match[1]) * timedelta(seconds={"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]])
