"""
``Panel``: what every panel is, a box of widgets that is drawn from a state and can be drawn again.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import ipywidgets as w

from smskit.errors import SmskitError
from smskit.i18n import Language
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import button, field, in_words, notice
from smskit.workspace import May, Workspace

__all__ = ["Panel", "Showing"]

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Showing(threading.local):
    """
    Whether this thread is changing fields in order to show something.

    What a person chooses meanwhile comes by another thread, and is never taken for ours.
    """

    on = False

    def __enter__(self) -> None:
        self.on = True

    def __exit__(self, *_: object) -> None:
        self.on = False


class Panel(ABC):
    """
    One panel of a page.

    A subclass keeps its state in attributes and makes widgets in ``build``.
    Callbacks go through ``attempt`` and long work through ``start``: both show
    what went wrong in the panel, in words, and let nothing escape unseen.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.showing = Showing()  # while it is we who change fields
        self._notice = w.HTML()
        self._telling: tuple[str | Callable[[Language], str], str] = ("", "info")
        self._tickets: dict[str, int] = {}
        self._under_way: set[str] = set()
        self.on_work: Callable[[], None] = lambda: None  # called when work begins and when it has ended
        self.drawn_in: Language | None = None
        self.widget = w.VBox(layout=w.Layout(width="100%"))
        self.widget.add_class("smskit")
        page.add(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def _ipython_display_(self) -> None:
        from IPython.display import display

        self.draw()
        display(self.widget)
        self.page.settle(self.page.wait)

    @property
    def t(self) -> Language:
        """The page's language now; ``self.t("Send")`` is a word in it."""
        return self.page.t

    @abstractmethod
    def build(self) -> Sequence[w.Widget]:
        """The widgets for the state as it is, in the language as it is."""

    def draw(self) -> None:
        """Make the widgets anew."""
        with self.page.turn:
            self.drawn_in = self.t
            self.widget.children = (*self.build(), self._notice)
            self.tell(*self._telling)

    # -- saying things -----------------------------------------------------------------

    def tell(self, text: str | Callable[[Language], str], kind: str = "info") -> None:
        """
        Show one sentence below the panel, or none.

        Args:
            text: A function of the language is said anew when the page switches to another.
            kind: info, ok, warn or error.
        """
        self._telling = text, kind
        self._notice.value = notice(text if isinstance(text, str) else text(self.t), kind)

    def complain(self, error: BaseException) -> None:
        """Show an error in words; one that is not smskit's own also goes to the log, without its text."""
        if not isinstance(error, SmskitError):
            # The text of a foreign error may hold a phone or a key; where it arose may not.
            _log.error("%s in a panel", type(error).__name__, stack_info=False)
        self.tell(lambda t: in_words(t.error(error), t), "error")

    def only_for(self, may: May, *made: Any) -> None:
        """Switch buttons and fields off for whoever may not do that; pointed at, they say why."""
        here = Workspace.here()
        if here.limit is not None and not here.may.includes(may):
            for each in made:
                each.disabled, each.tooltip = True, self.t.render(here.limit)

    # -- doing things --------------------------------------------------------------------

    def attempt(self, work: Callable[[], Any]) -> Callable[[Any], None]:
        """A callback for a button or a trait that does *work* and shows what went wrong."""

        def called(_: Any) -> None:
            with self.page.turn:
                try:
                    work()
                except Exception as error:
                    self.complain(error)

        return called

    def button(self, text: str, work: Callable[[], Any], **looks: Any) -> w.Button:
        """A button that does *work*, see `attempt`; *looks* as `parts.button` has them."""
        made = button(text, **looks)
        made.on_click(self.attempt(work))
        return made

    def unless_shown(self, work: Callable[[], Any]) -> Callable[[Any], None]:
        """As `attempt`, for what a person, not we, changes."""
        return self.attempt(lambda: None if self.showing.on else work())

    def field(self, kind: type[Any], label: str, take: Callable[[Any], Any], **options: Any) -> Any:
        """An input as `parts.field` has it; *take* is told what a person puts into it, see `attempt`."""
        made = field(kind, label, **options)
        made.observe(self.unless_shown(lambda: take(made.value)), "value")
        return made

    def tick(self, text: str, is_on: bool, take: Callable[[bool], Any]) -> w.Checkbox:
        """A box to tick; *take* is told whether it is, see `attempt`."""
        made = w.Checkbox(is_on, description=text, indent=False, layout=w.Layout(width="auto"))
        made.observe(self.attempt(lambda: take(made.value)), "value")
        return made

    def start(self, what: str, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """
        Do *work* in the background, then *then* with its result.

        Started again under the same *what*, the earlier result is dropped: the
        last wish counts.
        """
        ticket = self._tickets[what] = self._tickets.get(what, 0) + 1

        self._under_way.add(what)
        self.on_work()

        def run() -> None:
            try:
                result = work()
            except Exception as error:
                self._if_last(what, ticket, partial(self.complain, error))
            else:
                self._if_last(what, ticket, partial(then, result))

        self.page.start(run)

    def _if_last(self, what: str, ticket: int, then: Callable[[], Any]) -> None:
        """Do *then* in its turn, unless *what* was started again."""

        def last() -> None:
            if self._tickets[what] == ticket:
                self._under_way.discard(what)
                try:
                    then()
                finally:
                    self.on_work()

        self.attempt(last)(None)

    def is_at(self, *what: str) -> bool:
        """Whether one of these is done in the background right now."""
        return not self._under_way.isdisjoint(what)
