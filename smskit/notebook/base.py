"""What all notebooks start with: their parameters as a draft, who runs them, and a page for panels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cached_property, partial, wraps
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, ParamSpec, TypeVar

import pandas as pd

from smskit.errors import InputError, MissingExtra, SpecError, needs_extra
from smskit.i18n import Joined, Language, Message, mark
from smskit.notebook import display as shown
from smskit.notebook.as_typed import as_typed, check_cells
from smskit.notebook.host import Host, host_of
from smskit.notebook.parameters_cell import injected_parameters
from smskit.notebook.visitors import language_for
from smskit.planning.draft import Draft
from smskit.planning.occurrence import as_occurrence
from smskit.planning.problems import of_credentials
from smskit.planning.spec import CampaignSpec, check_names
from smskit.planning.upcoming import parameter_files
from smskit.sending.origin import origin_of, parent_command
from smskit.settings import Environment
from smskit.workspace import Folder, Workspace

if TYPE_CHECKING:
    from smskit.notebook.panels.page import Page

__all__ = ["Base", "draft_of", "step"]

N = TypeVar("N", bound="Base")
P = ParamSpec("P")
T = TypeVar("T")

PARAMETER_FILE = "campaign.yaml"


def step(work: Callable[Concatenate[N, P], T]) -> Callable[Concatenate[N, P], shown.Shown[T]]:
    """
    A method that plain cells call: it shows something, and returns that.

    Unattended it is done at once. Where a person runs all cells of a notebook whose panel is
    below, it waits until somebody asks for what it shows: the panel shows the same. Run with
    arguments, or once the panel is there, it is done at once again. In the app it shows nothing.
    """

    @wraps(work)
    def stepped(self: N, /, *args: P.args, **more: P.kwargs) -> shown.Shown[T]:
        def now() -> T:
            with self._while_doing():
                return work(self, *args, **more)

        key = (work.__name__, str((args, more)))
        made = shown.Shown(now, partial(self._place, key))
        if not self._waits(key):
            made.do()
        return made

    return stepped


class Base:
    """
    A notebook that has been opened.

    Args:
        draft: Its parameters, which panels change.
        host: Who runs it.
    """

    # The steps whose output follows what is chosen in the panel.
    follow: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, draft: Draft, *, host: Host | None = None) -> None:
        self.draft = draft
        self.host = host_of() if host is None else host
        self.panel_below = False  # whether "run all cells" comes to the panel last
        self.panel_shown = False
        self._pointed = False  # whether the way to it was told
        self._language = language_for(self.host, Environment().language)
        self._cells: dict[tuple[str, str], Callable[[], None]] = {}  # each shows its output anew

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.draft!r})"

    @property
    def t(self) -> Language:
        """The language people are spoken to: ``SMSKIT_LANG``, or what the page was switched to."""
        return self.page.t if "page" in self.__dict__ else self._language

    @cached_property
    @needs_extra("notebook")
    def page(self) -> Page:
        """What the panels of this notebook share; made with the first of them."""
        from smskit.notebook.panels.page import Page

        return Page(self.draft, language=self._language, host=self.host)

    def language(self) -> None:
        """Show the switch between 中文 and English, where a person is there to click it."""
        if self.host.is_person:
            shown.show_widget(self.page.header)

    # -- plain steps --------------------------------------------------------------------------

    def _while_doing(self) -> AbstractContextManager[Any]:
        """What a step is done within."""
        return nullcontext()

    def _waits(self, key: tuple[str, str]) -> bool:
        """Whether the step is left to the panel: in the app always, elsewhere on the way down to it."""
        on_the_way = self.panel_below and not self.panel_shown and key[1] == str(((), {}))
        return self.host is Host.VOILA or (self.host.is_person and on_the_way)

    def _place(self, key: tuple[str, str], made: shown.Shown[Any]) -> None:
        """Put what a step shows on the page; one line for all of them on the way down to the panel."""
        if self._waits(key):
            if self.panel_below and self.host is not Host.VOILA and not self._pointed:
                self._pointed = True
                told = mark("The panel is below. {call}, run by itself after that, shows its part here.")
                self.say(told, call=f"nb.{key[0].lstrip('_')}()")
            return
        output = made.do()[1]
        if not output.html:
            return
        again = shown.show_live(output)
        if self.host.is_person and key[0] in self.follow:
            self._cells[key] = lambda: again(made.anew())

    # What plain steps show, in the language of that moment.

    def say(self, words: str | Callable[[Language], str], **values: Any) -> None:
        """One sentence: English words with their values, or a function of the language."""
        shown.say(words(self.t) if callable(words) else self.t(words, **values))

    def repeat(self, message: str, *, after: str = "") -> None:
        """A message, behind a few words of ours where *after* gives some."""
        self.say(lambda t: f"{t(after)}: {t.render(message)}" if after else t.render(message))

    def show_frame(
        self, table: Callable[[Language], pd.DataFrame], frame: pd.DataFrame | None = None
    ) -> None:
        """A table of at most 60 rows; *frame* is the same for programs, by default in English."""
        shown.show_frame(table(self.t), table(Language("en")) if frame is None else frame)

    def show_svg(self, picture: Callable[[Language], str]) -> None:
        """A picture; a sentence in its place where the libraries that draw it are not installed."""
        try:
            with needs_extra("notebook"):
                shown.show_svg(picture(self.t), self.t("(picture)"))
        except MissingExtra as error:
            self.say("Pictures are left out: {why}", why=error.message)


def draft_of(namespace: Mapping[str, Any], host: Host) -> Draft:
    """
    The draft a notebook starts from.

    Its parameters where any was given; else, where a person sits, the parameter
    file another notebook left in the project.

    Args:
        namespace: ``globals()`` of the notebook, right after its parameters cell.

    Raises:
        SpecError: a parameter is unknown or out of range.
    """
    given = parameters_given(namespace)
    _demand_no_keys(given, namespace)
    check_names(given)
    names = [name for name in CampaignSpec.model_fields if name in namespace]
    draft = Draft({name: namespace[name] for name in names} | dict(given))
    if given or draft.to_data():
        return draft
    found = _left_here() if host.is_person else None
    return found or draft


def _demand_no_keys(given: Mapping[str, Any], namespace: Mapping[str, Any]) -> None:
    """
    Raises:
        SpecError: one of the parameters is a key; by now papermill has written it down, which is said.
    """
    problems = of_credentials(given, CampaignSpec.model_fields)
    if not problems:
        return
    file = origin_of(Environment(), namespace).executed
    stands = (
        Message("it now stands in {file}: delete that and change the key", file=file)
        if file
        else Message("it now stands in the notebook that papermill writes: delete that and change the key")
    )
    raise SpecError(Joined([*(text for _, text in problems), stands]), problems=problems)


def parameters_given(namespace: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    What papermill injected into a notebook, as it was typed; empty where it did not.

    Raises:
        SpecError: a text was given as a number, and what was typed is not known.
    """
    injected = injected_parameters(namespace)
    check_cells(namespace)
    return as_typed(injected, *parent_command()) if injected else {}


def draft_called(campaign: str) -> Draft | None:
    """
    What a parameter file of the project holds about that campaign; None where none does.

    Of one that repeats, an earlier occurrence as it was then; the present one before it.
    """
    earlier: Draft | None = None
    for file in parameter_files(Workspace.here().folder):
        with suppress(SpecError, InputError):
            found = Draft.read(file)
            if found.campaign == campaign:
                return found
            if earlier is None and (then := as_occurrence(found.to_data(), campaign)) is not None:
                earlier = Draft(then)
    return earlier


def _left_here() -> Draft | None:
    here = Workspace.here()
    file = here.home(Folder.PARAMETERS, here.folder) / PARAMETER_FILE
    if not file.is_file():
        return None
    try:
        return Draft.read(file)
    except SpecError:
        return None  # somebody is editing it; the panel can open it and says what is wrong
