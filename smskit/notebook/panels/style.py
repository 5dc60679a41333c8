"""The panels' style sheet, and the rules that leave one language of a notebook."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from smskit.i18n import LANGUAGES

__all__ = ["SPEAKS", "css", "one_language"]

SPEAKS = "smskit-speaks-{code}"  # class of the switch of a notebook, which says what it is set to
# A notebook on a page; the page itself where its program marks none.
_NOTEBOOK = ":is(.jp-Notebook, :root:not(:has(.jp-Notebook)))"


@cache
def css() -> str:
    """The style sheet in ``style.css``."""
    return files("smskit.notebook.panels").joinpath("style.css").read_text(encoding="utf-8")


def one_language(code: str) -> str:
    """
    The rules that leave one of the two languages in which a notebook's texts and outputs stand.

    The switch decides; while there is none, as in a saved notebook, *code* does.
    Each notebook by itself: several of them share one page in JupyterLab.
    """
    switches = ", ".join(f".{SPEAKS.format(code=each)}" for each in LANGUAGES)
    rules = ""
    for shown in LANGUAGES:
        says = f":has(.{SPEAKS.format(code=shown)})", f":has(.smskit-spoke-{shown}):not(:has({switches}))"
        here = f":is({', '.join(f'{_NOTEBOOK}{each}' for each in says)})"
        hidden = ", ".join(f"{here} .smskit-{other}" for other in LANGUAGES if other != shown)
        rules += f"{hidden} {{ display: none !important }}\n"
        rules += f"{here} .smskit-{shown}[hidden] {{ display: block !important }}\n"
    return f'<style>{rules}</style><span class="smskit-spoke-{code}"></span>'
