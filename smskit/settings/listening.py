"""A socket for a server of ours to listen on: that of the simulator, and that which providers push to."""

from __future__ import annotations

import socket

from smskit.errors import SettingsError
from smskit.i18n import os_words


def bound(host: str, port: int) -> socket.socket:
    """
    A TCP socket at that address; port 0 = any free one.

    Raises:
        SettingsError: it cannot be had.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            "port {n} on {host} cannot be used: {why}", n=port, host=host, why=os_words(error)
        ) from None
    return listener
