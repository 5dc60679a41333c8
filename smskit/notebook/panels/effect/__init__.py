"""
The panel of notebook 05: which campaign and table, and what they say, section by section.
"""

from smskit.notebook.panels.effect.panel import EffectPanel

__all__ = ["EffectPanel"]
