"""
The panel of notebook 01: providers at a glance, an account's form, its check, and what it offers.

Each section is a panel of its own over one `smskit.notebook.connect.ConnectNotebook`, so that
one can be drawn anew while somebody types in another.
"""

from smskit.notebook.panels.connect.panel import ConnectPanel

__all__ = ["ConnectPanel"]
