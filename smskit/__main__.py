"""
Where the command ``smskit`` begins; ``python -m smskit`` is the same.

Ctrl-C while it begins ends it as it does later: exit 130, without a traceback. What is imported then may
turn the interrupt into errors of its own, so nothing is left to unwind.
"""

import os
import signal
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:  # who is to ignore it goes on doing so
        signal.signal(signal.SIGINT, _end)
    from smskit.cli.commands import main as run

    signal.signal(signal.SIGINT, interrupt)
    run()


def _end(*_: Any) -> None:
    os._exit(130)


if __name__ == "__main__":
    main()
