"""
The panels of notebook 03, from the message to its sending; all show one ``SendModel``.
"""

from smskit.notebook.panels.send.panel import SendPanel

__all__ = ["SendPanel"]
