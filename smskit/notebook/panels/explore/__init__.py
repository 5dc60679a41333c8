"""
The panel of notebook 02: load a segment, look at it, filter it, see its people, compare it, keep it.
"""

from smskit.notebook.panels.explore.panel import ExplorePanel

__all__ = ["ExplorePanel"]
