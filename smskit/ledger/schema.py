"""
The tables, as they are. A column of one audience lies in chunks of at most ``CHUNK`` people.

Leaves to the other rooms who may read and write them.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from smskit.i18n import dumps, loads

CHUNK = 10_000
# SQLite numbers rows by themselves where this is its INTEGER only; a server's events outgrow 32 bits.
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

META = sa.MetaData()


class Text(sa.types.TypeDecorator[str]):
    """
    Text of any length, without NUL: a server holds a column to its length, and cannot hold that character.

    Args:
        length: What SQLite's schema says, which keeps to none.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__()
        self._length = length

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """The column's type."""
        limited = dialect.name == "sqlite" and self._length
        return dialect.type_descriptor(sa.String(self._length) if limited else sa.Text())

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """As it is stored."""
        return value.replace("\0", "") if value else value


class Sentence(sa.types.TypeDecorator[str]):
    """A sentence for people: a `Message` with its id and values, or plain text, as older ledgers have it."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """As it is stored."""
        return None if value is None else dumps(value).replace("\0", "")

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """As it was given."""
        return None if value is None else loads(value)


# Under alembic's own name for it; see ``version``.
VERSION = sa.Table("alembic_version", META, sa.Column("version_num", Text(32), primary_key=True))
CAMPAIGN = sa.Table(
    "campaign",
    META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("mode", Text(16), nullable=False),
    sa.Column("name", Text(120), nullable=False),
    sa.Column("series", Text(120), nullable=False, server_default=""),
    sa.Column("kind", Text(16), nullable=False, server_default="campaign"),  # models.Kind
    sa.Column("parent", Text(120), nullable=False, server_default=""),  # its name; "" = none
    sa.Column("state", Text(16), nullable=False),
    sa.Column("provider", Text(64), nullable=False),
    sa.Column("plan_hash", Text(64), nullable=False),
    sa.Column("spec", Text(), nullable=False),  # JSON: the campaign's parameters
    sa.Column("summary", Text(), nullable=False),  # JSON: what the plan added up to
    sa.Column("note", Sentence, nullable=False, server_default=""),  # why it stopped, for people
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("finished_at", sa.Float),
    sa.Column("stop_requested", sa.Integer, nullable=False, server_default="0"),
    # The plan hash of the audience as it is stored; "" = frozen by a version that did not keep it.
    sa.Column("frozen_hash", Text(64), nullable=False, server_default=""),
    sa.Column("plan_sum", sa.BigInteger, nullable=False, server_default="0"),  # see seals.plan_sum
    sa.Column("erased", sa.Integer, nullable=False, server_default="0"),  # of the planned: pseudonyms now
    sa.Column("holdout_key", Text(16), nullable=False, server_default=""),  # see policy.fingerprint
    sa.Column("measured_window", Text(16), nullable=False, server_default=""),  # the first one
    sa.Column("archived_at", sa.Float),  # lists leave it out since; NULL = they do not
    sa.UniqueConstraint("mode", "name"),
)
MADE_ID = sa.Table(
    "made_id",  # ids made from another campaign's, before and after there is a campaign of that id
    META,
    sa.Column("name", Text(120), primary_key=True),
    sa.Column("kind", Text(16), nullable=False),
    sa.Column("parent", Text(120), nullable=False),
)
CANARY = sa.Table(
    "canary",  # the share of a campaign that was sent to first
    META,
    sa.Column("campaign_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("begun_at", sa.Float, nullable=False),
    sa.Column("sent_at", sa.Float),
    sa.Column("passed_at", sa.Float),
    sa.Column("told", Sentence, nullable=False),
)
SENDER = sa.Table(
    "sender",  # the runs that are at work on a campaign: one, or several that share it
    META,
    sa.Column("token", Text(32), primary_key=True),
    sa.Column("campaign_id", sa.Integer, nullable=False),
    sa.Column("role", Text(16), nullable=False),  # senders.Role
    sa.Column("host", Text(255), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("process_started", sa.Float, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("until", sa.Float, nullable=False),  # without another sign of life it counts as dead then
    sa.Index("sender_by_campaign", "campaign_id"),
)
PACE = sa.Table(
    "pace",  # when the next request may go out through an account
    META,
    sa.Column("account", Text(96), primary_key=True),
    sa.Column("next", sa.Float, nullable=False),
    sa.Column("at", sa.Float, nullable=False),  # when that was booked
)


def _chunk_key() -> list[sa.Column[Any]]:
    return [
        sa.Column("campaign_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("chunk", sa.Integer, primary_key=True, autoincrement=False),
    ]


def _sums(*names: str) -> list[sa.Column[Any]]:
    """A checksum beside each of those blobs; see ``seals``."""
    return [sa.Column(f"{n}_sum", sa.BigInteger, nullable=False, server_default="0") for n in names]


AUDIENCE = sa.Table(
    "audience",
    META,
    *_chunk_key(),
    sa.Column("phones", sa.LargeBinary, nullable=False),  # int64, E.164 digits
    sa.Column("persons", sa.LargeBinary, nullable=False),  # Arrow: person, `VALUE` + column of `keep`
    *_sums("phones", "persons"),
)
CONTENT = sa.Table(
    "content",
    META,
    *_chunk_key(),
    sa.Column("parts", sa.LargeBinary, nullable=False),  # int16
    sa.Column("variables", sa.LargeBinary, nullable=False),  # Arrow: one column a variable
    *_sums("parts", "variables"),
)
PROGRESS = sa.Table(
    "progress",
    META,
    *_chunk_key(),
    sa.Column("states", sa.LargeBinary, nullable=False),  # uint8, models.State
    *_sums("states"),
    sa.Column("sender", Text(32), nullable=False, server_default=""),  # whose token shares it; "" = nobody's
    # How many wait or are being submitted; -1 = not counted since an older version wrote it.
    sa.Column("unsent", sa.Integer, nullable=False, server_default="-1"),
)
EXCLUDED = sa.Table(
    "excluded",
    META,
    *_chunk_key(),
    sa.Column("people", sa.LargeBinary, nullable=False),  # Arrow; see planning.plan, `left_out`
    *_sums("people"),
)
RULED_OUT = sa.Table(
    "ruled_out",  # whom a rule left out, in chunks of one rule and cause each
    META,
    *_chunk_key(),
    sa.Column("rule", sa.Integer, nullable=False),  # from 0
    sa.Column("unknown", sa.Integer, nullable=False),  # see models.RuledOut, as for what people holds
    sa.Column("people", sa.LargeBinary, nullable=False),  # Parquet
    *_sums("people"),
)
EVENT = sa.Table(
    "event",
    META,
    sa.Column("id", NUMBER, primary_key=True),
    sa.Column("campaign_id", sa.Integer, nullable=False),
    sa.Column("chunk", sa.Integer, nullable=False),
    sa.Column("kind", Text(16), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("positions", sa.LargeBinary, nullable=False),  # uint16 within the chunk
    sa.Column("states", sa.LargeBinary, nullable=False),  # uint8 after the event
    sa.Column("facts", sa.LargeBinary, nullable=False),  # JSON, see Facts
    *_sums("positions", "states", "facts"),
    sa.Index("event_by_chunk", "campaign_id", "chunk", "id"),
    sa.Index("event_by_time", "campaign_id", "at"),
)
RAW_REPORT = sa.Table(
    "inbox",
    META,
    sa.Column("id", NUMBER, primary_key=True),
    sa.Column("provider", Text(64), nullable=False),
    sa.Column("mode", Text(16), nullable=False),
    sa.Column("kind", Text(16), nullable=False),  # "receipts" or "replies"
    sa.Column("body", sa.LargeBinary, nullable=False),  # as it came
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("handled_at", sa.Float),
)
UNMATCHED = sa.Table(
    "stray_receipt",  # reports whose message the ledger cannot name yet
    META,
    sa.Column("id", NUMBER, primary_key=True),
    sa.Column("provider", Text(64), nullable=False),
    sa.Column("mode", Text(16), nullable=False),
    sa.Column("receipt", sa.LargeBinary, nullable=False),
    sa.Column("received_at", sa.Float, nullable=False),
)
OPT_OUT = sa.Table(
    "opt_out",
    META,
    sa.Column("phone", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("source", Text(64), nullable=False),
    sa.Column("note", Text(), nullable=False, server_default=""),
)
REPLY = sa.Table(
    "reply",
    META,
    sa.Column("provider", Text(64), primary_key=True),
    sa.Column("mode", Text(16), primary_key=True),
    sa.Column("reply_id", Text(128), primary_key=True),
    sa.Column("phone", sa.BigInteger, nullable=False),
    sa.Column("text", Text(), nullable=False),
    sa.Column("at", sa.Float),
    sa.Column("opted_out", sa.Integer, nullable=False),  # whether it counts as a no
    sa.Column("answer", Text(16), nullable=False, server_default="not"),  # models.Answer
    sa.Column("kept_at", sa.Float),
    sa.Column("decided", Text(16), nullable=False, server_default=""),  # of doubtful ones, as answer
    sa.Column("decided_by", Text(255), nullable=False, server_default=""),
    sa.Column("decided_at", sa.Float),
    sa.Index("reply_by_answer", "answer", "decided"),
    sa.Index("reply_by_phone", "phone"),
)

ACCOUNT_CHECK = sa.Table(
    "account_check",  # what each provider said when it was last asked
    META,
    sa.Column("provider", Text(64), primary_key=True),
    sa.Column("mode", Text(16), primary_key=True),
    sa.Column("usable", sa.Integer, nullable=False),
    sa.Column("fingerprint", Text(64), nullable=False),  # of the credentials: notebook.accounts
    sa.Column("said", Text(), nullable=False),  # JSON: findings, balance
    sa.Column("at", sa.Float, nullable=False),
)
ACCOUNT_OFFER = sa.Table(
    "account_offer",  # signatures and templates that people typed in
    META,
    sa.Column("provider", Text(64), primary_key=True),
    sa.Column("kind", Text(16), primary_key=True),
    sa.Column("offer", Text(128), primary_key=True),  # a signature, or a template's id
    sa.Column("text", Text(), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)
COUNTER = sa.Table(
    "counter",  # goes up with every change of something that is asked about often
    META,
    sa.Column("name", Text(32), primary_key=True),
    sa.Column("value", sa.Integer, nullable=False),
)

SECRET = sa.Table(
    "secret",  # random, of this ledger alone
    META,
    sa.Column("name", Text(32), primary_key=True),
    sa.Column("value", Text(64), nullable=False),
)
ERASED = sa.Table(
    "erased",  # when whom: a keyed hash of each phone and id
    META,
    sa.Column("who", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Float, nullable=False),
)

RUN = sa.Table(
    "run",  # every run, also one that was refused or died
    META,
    sa.Column("id", NUMBER, primary_key=True),
    sa.Column("token", Text(64), nullable=False, server_default=""),  # of whoever started the process
    sa.Column("campaign", Text(120), nullable=False),
    sa.Column("mode", Text(16), nullable=False),
    sa.Column("series", Text(120), nullable=False),
    sa.Column("provider", Text(64), nullable=False),
    sa.Column("state", Text(16), nullable=False),
    sa.Column("exit_code", sa.Integer),
    sa.Column("message", Sentence, nullable=False, server_default=""),
    sa.Column("user", Text(255), nullable=False),
    sa.Column("host", Text(255), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("process_started", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    sa.Column("file", Text(), nullable=False, server_default=""),
    sa.Column("notebook", Text(), nullable=False, server_default=""),
    sa.Column("executed", Text(), nullable=False, server_default=""),
    sa.Column("plan_hash", Text(64), nullable=False, server_default=""),
    sa.Column("plan", Text(), nullable=False, server_default="null"),  # JSON: what the plan added up to
    sa.Column("books", Text(), nullable=False, server_default="null"),  # JSON, as `report.status` has them
    sa.Column("versions", Text(), nullable=False, server_default="{}"),  # JSON
    sa.Column("report", Text(), nullable=False, server_default=""),
    sa.Column("told", Text(), nullable=False, server_default=""),  # how the hook took it
    sa.Index("run_by_campaign", "campaign", "mode", "id"),
    sa.Index("run_by_series", "series", "mode", "state"),
)
APPROVAL = sa.Table(
    "approval",  # plans of live campaigns, and who else has said yes to them; see `approvals`
    META,
    sa.Column("campaign", Text(120), primary_key=True),
    sa.Column("plan_hash", Text(64), primary_key=True),
    sa.Column("planned_by", Text(255), nullable=False),
    sa.Column("planned_at", sa.Float, nullable=False),
    sa.Column("planned_from", Text(255), nullable=False),
    sa.Column("approved_by", Text(255), nullable=False, server_default=""),
    sa.Column("approved_at", sa.Float),
    sa.Column("approved_from", Text(255), nullable=False, server_default=""),
)
# What keeps the audit trail from being changed, by dialect; m0006 runs it for an older ledger.
ONLY_ADDED = {
    "sqlite": [
        f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END"
        for change in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION audit_only_added() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RAISE EXCEPTION ''the audit trail is only added to''; END'",
        "CREATE TRIGGER audit_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_added()",
    ],
}
AUDIT = sa.Table(
    "audit",  # who did what; written by `audit` alone, never changed: see `ONLY_ADDED`
    META,
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),  # from 1, without a gap
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("who", Text(255), nullable=False),
    sa.Column("place", Text(255), nullable=False),
    sa.Column("action", Text(32), nullable=False),  # audit.Action
    sa.Column("campaign", Text(120), nullable=False),  # "" = of none
    sa.Column("mode", Text(16), nullable=False),
    sa.Column("plan_hash", Text(64), nullable=False),
    sa.Column("facts", Text(), nullable=False),  # JSON; no full phone, no key
    sa.Column("previous", Text(64), nullable=False),  # the hash of the entry before, "" of the first
    sa.Column("hash", Text(64), nullable=False),
    sa.Index("audit_by_campaign", "campaign", "n"),
)
for _dialect, _statements in ONLY_ADDED.items():
    for _statement in _statements:
        _ddl = sa.DDL(_statement)  # type: ignore[no-untyped-call]
        sa.event.listen(AUDIT, "after_create", _ddl.execute_if(dialect=_dialect))
