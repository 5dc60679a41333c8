"""A wire to a server that can be cut: a proxy on a port of this machine, before the server's socket."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

__all__ = ["Wire"]


class Wire:
    """
    Carries every connection to its port to *target*, until it is cut.

    A cut is silent: nothing arrives any more, and nobody is told. Mended, the old connections are gone.

    Args:
        target: A socket's path, or a port of this machine.
        address: Of this machine, where it is reached.
    """

    def __init__(self, target: Path | int, *, address: str = "127.0.0.1") -> None:
        self._target = target
        self._whole = threading.Event()
        self._whole.set()
        self._open: list[socket.socket] = []
        self._listening = socket.create_server((address, 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Let nothing through."""
        self._whole.clear()

    def mend(self) -> None:
        """Let new connections through."""
        old, self._open = self._open, []
        self._whole.set()
        for each in old:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self) -> None:
        """End it, and all it carries."""
        self._listening.close()
        self.mend()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        self._open.append(near)
        self._whole.wait()
        kind = socket.AF_INET if isinstance(self._target, int) else socket.AF_UNIX
        with near, socket.socket(kind) as far, contextlib.suppress(OSError):
            far.connect(("127.0.0.1", self._target) if isinstance(self._target, int) else str(self._target))
            self._open.append(far)
            back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
            back.start()
            self._pump(near, far)
            back.join()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._whole.wait()
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
