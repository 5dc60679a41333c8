"""Files that hold people: written whole or not at all, and for their owner alone."""

from __future__ import annotations

import atexit
import errno
import io
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Final

from smskit.errors import InputError, SmskitError
from smskit.i18n import os_words

__all__ = [
    "create_private",
    "made_folder",
    "passing_folder",
    "private_file",
    "private_text",
    "spilling",
    "tighten",
    "writable",
    "write_private",
]


@contextmanager
def private_file(place: Path) -> Iterator[IO[bytes]]:
    """
    Open *place* for writing; it is there, in place of what was there, when the block ends without an error.

    Its folder is made. Nobody but its owner can read it, from its first byte on.

    Raises:
        InputError: it cannot be written.
    """
    with writable(place):
        if place.exists() and not stat.S_ISREG(place.stat().st_mode):
            with place.open("wb") as device:  # /dev/stdout, a pipe; a folder is refused by the system
                yield device
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        number, partial = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name[:60]}-")  # mode 0600
        try:
            with os.fdopen(number, "wb") as file:
                yield file
            os.replace(partial, place)
        except BaseException:
            with suppress(OSError):
                os.unlink(partial)
            raise


@contextmanager
def private_text(place: Path, encoding: str = "utf-8") -> Iterator[IO[str]]:
    """`private_file` for text; line ends stay as they are written."""
    with private_file(place) as file, io.TextIOWrapper(file, encoding=encoding, newline="") as text:
        yield text
        text.flush()


def write_private(place: Path, text: str) -> Path:
    """Write *text* to `private_file`; returns *place*."""
    with private_file(place) as file:
        file.write(text.encode("utf-8"))
    return place


def create_private(place: Path) -> None:
    """
    Make *place* an empty file of its owner alone, for a library that then writes into it; its folder too.

    One that is there is kept, and closed to others.

    Raises:
        InputError: it cannot be written.
    """
    with writable(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o600))
        tighten(place)


def made_folder(folder: Path) -> Path:
    """
    *folder*, made where it is not there, for files that are written later.

    Raises:
        InputError: it cannot be made, is a file, or nothing may be written there.
    """
    with writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return folder


def tighten(place: Path) -> None:
    """
    Take from everybody but the owner what they may do with *place*; a missing one is nothing to do for.

    Raises:
        PermissionError: it belongs to somebody else.
    """
    if os.name == "nt" or not place.exists() or not place.stat().st_mode & 0o077:
        return
    try:
        place.chmod(stat.S_IMODE(place.stat().st_mode) & ~0o077)
    except OSError as error:
        if error.errno != errno.EROFS:  # nothing can be changed there, and nothing can be added
            raise


@contextmanager
def writable(place: Path) -> Iterator[None]:
    """In this block an error of the system is an `InputError` that names *place*."""
    try:
        yield
    except OSError as error:
        raise InputError("cannot write {file}: {why}", file=place, why=os_words(error)) from None


@contextmanager
def spilling() -> Iterator[None]:
    """
    In this block an error of the system is a `SmskitError` that names the folder of temporary files.

    No `InputError`: nothing that was given is wrong, nor anything that was stored.
    """
    try:
        yield
    except OSError as error:
        place = tempfile.tempdir or "TMPDIR"  # None before there is a folder that can be written at all
        raise SmskitError("cannot write {file}: {why}", file=place, why=os_words(error)) from None


# Whoever starts it holds the other end of its input, until it ends; workers may write on for a moment.
_KEEPER: Final = """
import shutil, sys, time
sys.stdin.read()
for _ in range(20):
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    time.sleep(0.5)
"""


@cache
def passing_folder() -> Path:
    """
    This process's folder of the owner's alone for what holds people and goes with it, however it ends.

    A process that is killed removes nothing: so one that is not killed along with it waits for its end.
    """
    folder = tempfile.mkdtemp(prefix="smskit-")  # mode 0700
    keeper = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _KEEPER, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tempfile.gettempdir(),
        start_new_session=True,
    )
    atexit.register(_remove, folder, keeper)
    return Path(folder)


def _remove(folder: str, keeper: subprocess.Popen[bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.exists(folder):
        return  # it is the keeper's now
    keeper.kill()
    keeper.communicate()
