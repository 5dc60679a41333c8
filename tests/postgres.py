"""A PostgreSQL server for tests: Debian's, one a session, and a schema of its own for whoever asks."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

_PROGRAMS = "/usr/lib/postgresql"


class Server:
    """
    A running server, of a user that is not root, reached by a socket in its folder.

    It writes through to the disk as a real one, so that a crash means something.

    Args:
        primary: Make a synchronous standby of it.
        address: Of this machine, where it is reached as well, by whoever is in that network.
    """

    def __init__(self, primary: Server | None = None, *, address: str = "") -> None:
        self._address = address
        found = sorted(Path(_PROGRAMS).glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
        found += [Path(each).resolve() for each in [shutil.which("initdb")] if each]
        if not found:
            (pytest.fail if os.environ.get("CI") else pytest.skip)("PostgreSQL is not installed")
        self._programs = found[-1].parent
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path must be short
        self._who: dict[str, Any] = {}
        if os.name != "nt" and os.geteuid() == 0:  # it does not run as root
            shutil.chown(self.folder, "postgres")
            self._who = {"user": "postgres", "group": "postgres"}
        if primary is None:
            self.run("initdb", "-D", "data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C")
            if address:
                with (self.folder / "data" / "pg_hba.conf").open("a") as rules:
                    rules.write(f"host all all {address}/30 trust\n")
            self.start()
        else:
            at = str(primary.folder)
            self.run("pg_basebackup", "-D", "data", "-R", "-h", at, "-U", "postgres", "-c", "fast")
            self.start()
            with primary.connect() as session:
                session.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
                session.execute("SELECT pg_reload_conf()")

    def run(self, program: str, *arguments: str) -> None:
        """One of its programs."""
        path = self._programs / program
        subprocess.run(
            [path, *arguments], cwd=self.folder, check=True, stdout=subprocess.DEVNULL, **self._who
        )

    def start(self) -> None:
        """Start it; waits until it answers."""
        options = f"-c listen_addresses={self._address} -c max_connections=200 -k {self.folder}"
        self.run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def crash(self) -> None:
        """Kill it as a power cut would."""
        self.run("pg_ctl", "-D", "data", "-m", "immediate", "stop")

    def promote(self) -> None:
        """Of a standby: be the primary from now on."""
        self.run("pg_ctl", "-D", "data", "-w", "promote")

    def close(self) -> None:
        """Stop it and take its folder away."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self) -> psycopg.Connection[Any]:
        """A session that commits each statement."""
        return psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True)

    def url(self, schema: str = "public") -> str:
        """Its address as SQLAlchemy has it."""
        return f"postgresql+psycopg://postgres@/postgres?host={self.folder}&options=-csearch_path%3D{schema}"

    def quick_url(self, schema: str) -> str:
        """The same for who crashes nothing: a commit is answered before it is on the disk."""
        return self.url(schema) + "%20-csynchronous_commit%3Doff"

    @contextlib.contextmanager
    def schema(self) -> Iterator[str]:
        """
        The address of an empty schema, gone afterwards.

        So are this process's connections. A notebook's or a command's ledger else ends with its process, and
        the driver warns of what is left open.
        """
        name = f"t_{time.time_ns()}_{uuid.uuid4().hex[:6]}"
        opened: list[Any] = []

        def note(connection: Any, record: Any) -> None:
            opened.append(connection)

        with self.connect() as session:
            session.execute(f"CREATE SCHEMA {name}")
        sa.event.listen(sa.Pool, "connect", note)
        yield self.quick_url(name)
        sa.event.remove(sa.Pool, "connect", note)
        for connection in opened:
            connection.close()
        with self.connect() as session:
            session.execute(f"DROP SCHEMA {name} CASCADE")
