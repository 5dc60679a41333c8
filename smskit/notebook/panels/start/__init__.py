"""The start panel: campaigns side by side, what is unfinished, providers, and what runs next."""

from smskit.notebook.panels.start.panel import StartPanel

__all__ = ["StartPanel"]
