"""
Listening for what providers push: receipts and replies, kept before they are acknowledged, then folded.

``server`` answers requests, ``folding`` reads what was kept, ``secret`` is the part of the path that
nobody guesses.
"""

from smskit.sending.receive.secret import PathSecret, path_secret
from smskit.sending.receive.server import Listening, serve

__all__ = ["Listening", "PathSecret", "path_secret", "serve"]
