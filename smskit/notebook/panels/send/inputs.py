"""``TwoInputs``: two short texts that are one to whoever reads and sets it, such as a time window."""

from __future__ import annotations

import re
from collections.abc import Callable

import ipywidgets as w
import traitlets

__all__ = ["TwoInputs", "cap_input", "window_input"]

_USUAL_DAYS = "7"


class TwoInputs(w.HBox):  # type: ignore[misc]  # ipywidgets has no types
    """
    ``value`` is what both say together; set, it fills them.

    One that does not fit them stands in the first as it is, so that it can be put right there.

    Args:
        label, between: What stands before each.
        examples: What each shows while it is empty.
        split: The two of a value; None where it does not fit.
        join: A value of two.
    """

    value = traitlets.Unicode()

    def __init__(
        self,
        label: str,
        between: str,
        *,
        examples: tuple[str, str],
        split: Callable[[str], tuple[str, str] | None],
        join: Callable[[str, str], str],
    ) -> None:
        self._split, self._join, self._filling = split, join, False
        self.first = _short(label, examples[0], label_width="140px", width="236px")
        self.second = _short(between, examples[1], label_width="auto", width="180px")
        super().__init__([self.first, self.second], layout=w.Layout(width="420px"))
        for each in (self.first, self.second):
            each.observe(self._typed, "value")
        self.observe(self._fill, "value")

    def _typed(self, _: object) -> None:
        if not self._filling:
            self.value = self._join(self.first.value.strip(), self.second.value.strip())

    def _fill(self, _: object) -> None:
        self._filling = True
        try:
            self.first.value, self.second.value = self._split(self.value) or (self.value, "")
        finally:
            self._filling = False


def _short(label: str, example: str, *, label_width: str, width: str) -> w.Text:
    style, layout = {"description_width": label_width}, w.Layout(width=width)
    return w.Text(description=label, placeholder=example, continuous_update=False, style=style, layout=layout)


def window_input(label: str, to: str) -> TwoInputs:
    """``08:00-20:00`` as two times."""

    def split(value: str) -> tuple[str, str] | None:
        if not value:
            return "", ""
        found = re.fullmatch(r"\s*([^-]*?)\s*-\s*([^-]*?)\s*", value)
        return (found[1], found[2]) if found else None

    def join(start: str, end: str) -> str:
        return f"{start}-{end}" if end else start

    return TwoInputs(label, to, examples=("08:00", "20:00"), split=split, join=join)


def cap_input(label: str, per: str) -> TwoInputs:
    """``2/7d`` as so many in so many days; hours are typed as ``24h``. A number alone is in 7 days."""

    def split(value: str) -> tuple[str, str] | None:
        if not value:
            return "", ""
        found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*([dh])\s*", value)
        return (found[1], found[2] + ("" if found[3] == "d" else "h")) if found else None

    def join(count: str, days: str) -> str:
        if not count.isdecimal():
            return count  # nothing, or the whole as it is written
        days = days or _USUAL_DAYS
        return f"{count}/{days}{'d' if days.isdecimal() else ''}"

    return TwoInputs(label, per, examples=("2", _USUAL_DAYS), split=split, join=join)
