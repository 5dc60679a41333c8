"""
The panels of notebook 03, from the message to its sending; all show one ``SendDesk``.
"""

from smskit.widgets.send.whole import SendPanel

__all__ = ["SendPanel"]
