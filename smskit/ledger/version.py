"""
The version of the schema: a new ledger is stamped, an older one migrated, a newer one refused.

The migrations are alembic's, in ``migrations/versions``; alembic is imported only when there is one
to run. Leaves to ``database`` the connections.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from smskit.errors import LedgerError, UnsupportedLedger
from smskit.ledger.failures import file_of, place_of
from smskit.ledger.schema import META, VERSION

__all__ = ["CURRENT", "bring_up_to_date", "demand_known", "version_of"]

KNOWN = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
)  # oldest first: the revisions in migrations/versions
CURRENT = KNOWN[-1]
_NOT_OURS: Final = "another program's"
_log = logging.getLogger("smskit")


def version_of(conn: sa.Connection) -> str | None:
    """
    The version of the ledger in this database, "" from before there were any; None where there is none.

    A SQLite file that has tables, and none of ours, has a version that is not known. On a server other
    programs' tables may lie beside the ledger's.
    """
    tables = sa.inspect(conn).get_table_names()
    stamped = conn.execute(sa.select(VERSION.c.version_num)).scalar() if VERSION.name in tables else None
    # Other programs use alembic, too.
    if tables and "campaign" not in tables and stamped not in KNOWN and conn.dialect.name == "sqlite":
        return _NOT_OURS
    return stamped or ("" if "campaign" in tables else None)


def demand_known(version: str | None, url: sa.URL) -> None:
    """
    Refuse what a later smskit or another program wrote; nothing has been written yet.

    Raises:
        UnsupportedLedger: it is another program's file.
        LedgerError: it is none of the versions there are migrations for.
    """
    if version == _NOT_OURS:
        raise UnsupportedLedger(
            "{file} is another program's database and was left as it is; name a file of the ledger's own in "
            "SMSKIT_DATABASE_URL",
            file=file_of(url),
        )
    if version and version not in KNOWN:
        raise LedgerError(
            "{ledger} was written by a newer smskit (its schema is {found}, this one knows {known}). "
            "Nothing was changed: install that smskit, or name another ledger in SMSKIT_DATABASE_URL",
            ledger=place_of(url),
            found=version,
            known=CURRENT,
        )


def bring_up_to_date(conn: sa.Connection) -> None:
    """
    Make the tables, or migrate those of an older version, within the transaction that *conn* has open.

    That transaction holds the write lock, so of several processes one does it and the others find it done.
    An older SQLite file is copied beside itself before it is changed.
    """
    version = version_of(conn)
    demand_known(version, conn.engine.url)
    if version == CURRENT:
        return
    if version is None:
        META.create_all(conn)
        conn.execute(VERSION.insert().values(version_num=CURRENT))
        return
    copy = _copied(conn.engine.url)
    _migrate(conn)
    if copy is not None:
        _log.warning("smskit: the ledger is now of schema %s; as it was before it is in %s", CURRENT, copy)


def _migrate(conn: sa.Connection) -> None:
    import alembic.command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = conn
    alembic.command.upgrade(config, CURRENT)


def _copied(url: sa.URL) -> Path | None:
    """A copy of the SQLite file at *url*, readable by its owner alone; None where the ledger is no file."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    source = Path(url.database)
    target = source.with_name(f"{source.stem}.before-schema-{CURRENT}{source.suffix}")
    unfinished = target.with_name(f"{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    # Through SQLite, which sees what is committed: some of it may be in the write-ahead log only.
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(unfinished)) as new:
        old.backup(new)
    unfinished.replace(target)
    return target
