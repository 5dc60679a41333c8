"""``Slider``: one of a few numbers, by the browser's own slider; ipywidgets' has no name to be read out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import anywidget
import traitlets

__all__ = ["Slider"]


@cache
def _module() -> str:
    return files("smskit.notebook.panels").joinpath("slider.js").read_text(encoding="utf-8")


class Slider(anywidget.AnyWidget):
    """
    A slider over (words, number) pairs, in their order; observe ``at``, the place of the one that is chosen.

    Args:
        label: What it is for.
    """

    label = traitlets.Unicode().tag(sync=True)
    words = traitlets.List(traitlets.Unicode()).tag(sync=True)
    at = traitlets.Int(0, min=0).tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

    def __init__(self, label: str, options: Sequence[tuple[str, float]], value: float) -> None:
        self._esm = _module()
        self._numbers = [number for _, number in options]
        super().__init__(label=label, words=[words for words, _ in options], at=self._numbers.index(value))

    def __repr__(self) -> str:
        return f"Slider({self.value:g})"

    @property
    def value(self) -> float:
        """The number that is chosen."""
        return self._numbers[min(self.at, len(self._numbers) - 1)]

    @value.setter
    def value(self, number: float) -> None:
        self.at = self._numbers.index(number)

    def offer(self, options: Sequence[tuple[str, float]], value: float) -> None:
        """Have these instead, of which *value* is chosen."""
        self._numbers = [number for _, number in options]
        with self.hold_trait_notifications():
            self.words, self.at = [words for words, _ in options], self._numbers.index(value)
