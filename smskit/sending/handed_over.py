"""
``python -m smskit.sending.handed_over``: sends a campaign whose parameters come on standard input.

`smskit app` starts it, see `handover`; the last line it writes tells how it ended. SIGTERM ends it cleanly.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

from smskit.errors import CampaignPaused
from smskit.planning.spec import CampaignSpec
from smskit.sending.handover import as_answer
from smskit.sending.session import open_campaign

__all__ = ["main"]


def main() -> None:
    """Send, and tell how it ended."""
    ended: str | BaseException
    signal.signal(signal.SIGTERM, _stopped)
    try:
        spec = CampaignSpec.from_data(json.load(sys.stdin))
        ended = open_campaign(spec).send().note
    except BaseException as error:
        ended = error
    print(json.dumps(as_answer(ended)), flush=True)


def _stopped(*_: Any) -> None:
    """Before anything is sent; a run that sends hears of it by itself."""
    raise CampaignPaused("stopped by hand")


if __name__ == "__main__":
    main()
