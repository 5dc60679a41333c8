"""A clock that several processes share, and that whoever has to wait moves on."""

from __future__ import annotations

import asyncio
import fcntl
import mmap
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

_SHAPE = struct.Struct("=dd")  # epoch seconds when it was made and jumped since; monotonic seconds then


@dataclass
class SharedClock:
    """
    Simulated time in a file: runs `RATE` times as fast as real time, and can be moved forward.

    An instance is pickled as its path, so a child process reads the same time as its parent.
    """

    path: Path
    _map: mmap.mmap = field(init=False, repr=False)

    RATE = 20.0
    STEP_S = 60.0  # the least a wait passes: nobody wants to wait a night second by second

    def __post_init__(self) -> None:
        self._open()

    def _open(self) -> None:
        with self.path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SHAPE.size)

    def __getstate__(self) -> Path:
        return self.path

    def __setstate__(self, path: Path) -> None:
        self.path = path
        self._open()

    @classmethod
    def make(cls, path: Path, start: float) -> SharedClock:
        """A clock that says *start*, in epoch seconds, now."""
        path.write_bytes(_SHAPE.pack(start, time.monotonic()))
        return cls(path)

    def time(self) -> float:
        """Epoch seconds, simulated."""
        start, made = _SHAPE.unpack_from(self._map)
        return start + (time.monotonic() - made) * self.RATE

    def advance(self, seconds: float) -> None:
        """Move it forward for everybody."""
        with self.path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            start, made = _SHAPE.unpack_from(self._map)
            _SHAPE.pack_into(self._map, 0, start + max(seconds, 0.0), made)

    def advance_to(self, at: float) -> None:
        """Move it forward to *at*, unless that is past."""
        self.advance(at - self.time())

    async def sleep(self, seconds: float) -> None:
        """Let at least *seconds* pass."""
        self.advance(max(seconds, self.STEP_S))
        await asyncio.sleep(0.001)
