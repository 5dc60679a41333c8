"""
The panel of notebook 04: one campaign's books, and a tab for each thing to know of it or do with it.
"""

from smskit.notebook.panels.track.panel import TrackPanel

__all__ = ["TrackPanel"]
