"""
What the notebooks call: one class a notebook, each step one call with one readable result.

Shows and asks, decides nothing. Plain steps show tables and SVG pictures, which
look the same in JupyterLab, in papermill's output and in an HTML report;
``panel()`` shows the same as something to click.
"""

from smskit.notebook.connect import ConnectNotebook, open_connect
from smskit.notebook.display import SUMMARY_TYPE
from smskit.notebook.effect import EffectNotebook, open_effect
from smskit.notebook.explore import ExploreNotebook, open_explore
from smskit.notebook.send import Notebook, open_notebook
from smskit.notebook.start import StartNotebook, open_start
from smskit.notebook.track import TrackNotebook, open_track

__all__ = [
    "SUMMARY_TYPE",
    "ConnectNotebook",
    "EffectNotebook",
    "ExploreNotebook",
    "Notebook",
    "StartNotebook",
    "TrackNotebook",
    "open_connect",
    "open_effect",
    "open_explore",
    "open_notebook",
    "open_start",
    "open_track",
]
