"""
Where a segment is: the variable that names it, and the file a path means in this project.

Errors do not repeat the place, which may come from a variable and be a secret.
What is in the file or database is for its reader.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from smskit.errors import SegmentError, suggest
from smskit.i18n import Message
from smskit.settings.places import project_folders, start_folder
from smskit.workspace import Workspace

FILE_KINDS: Final = ".csv, .tsv, .txt, .parquet or .xlsx"

_URL: Final = re.compile(r"[A-Za-z][\w+.-]*://")
_SECRET_OPTION: Final = re.compile(
    r"[&;?\s][^&;=\s]*(pass|pwd|secret|token|private_?key|credential)[^&;=\s]*=[^&;\s]", re.IGNORECASE
)
_ELSEWHERE: Final = re.compile(r"(https?|ftps?|sftp)://", re.IGNORECASE)
_STORE: Final = re.compile(r"(s3a?|gs|gcs|oss|cos|obs|hdfs|abfss?|az|adl|memory)://", re.IGNORECASE)
_PATTERN: Final = re.compile(r"[*?\[]")
_LOOKED_AT: Final = 1 << 16  # bytes of a file's beginning and of its end


def is_url(place: str) -> bool:
    """Tell a URL from a path, by its start alone."""
    return _URL.match(place) is not None


def is_elsewhere(place: str) -> bool:
    """Tell the address of a file on another machine, which no reader takes."""
    one = is_store(place) and place.lower().endswith((".csv", ".tsv", ".txt", ".xlsx"))
    return one or _ELSEWHERE.match(place) is not None


def is_store(place: str) -> bool:
    """Tell the address of files in an object store, by its start alone."""
    return _STORE.match(place) is not None


def is_pattern(place: str) -> bool:
    """Tell a pattern of file names, by its signs; a file may have such a name, too."""
    return _PATTERN.search(place) is not None


def carries_secret(place: str) -> bool:
    """
    Tell a URL with a password among its options, such as ``?sslpassword=…``, by its text alone.

    One before the host is another matter, as is a text that is no URL as a whole.
    """
    _, _, options = place.partition("?") if is_url(place) else ("", "", "")
    # An option may be text of options itself, and of a driver's own form: ?odbc_connect=…;PWD=…
    return _SECRET_OPTION.search(f"&{unquote(options)}") is not None


def without_scheme(place: str) -> str:
    """Return the path of a ``file://`` URL; any other place as it is."""
    if not place.lower().startswith("file://"):
        return place
    url = urlsplit(place)
    # file://people.csv, with two strokes, is how people write a path; then its first folder reads as a host.
    return unquote(url.path if url.netloc.lower() in ("", "localhost") else url.netloc + url.path)


def from_environ(name: str, environ: Mapping[str, str]) -> str:
    """Return the path or URL that a variable holds; it is not empty."""
    name = name.strip()
    value = environ.get(name, "").strip()
    if value:
        return value
    unset = Message("that environment variable is not set")
    hinted = suggest(unset, name, environ) if name not in environ else unset
    if hinted is unset:
        hinted = Message("that environment variable is not set; put a path or a URL in it")
    raise SegmentError(hinted)


class Around(NamedTuple):
    """From where a relative path is looked for."""

    parameter_file: Path | None = None  # the one that has the path; None = it is in none
    working_folder: Path | None = None  # None = the process's own


def locate(path: str, around: Around) -> Path:
    """
    Return the file *path* means.

    A relative one is looked for beside the parameter file, in the working folder, then in the folders above
    each of them up to its project's root. A path in a parameter file is never another file because the
    process was started elsewhere: where the file's project and the working folder both have one, nobody
    guesses.

    Raises:
        SegmentError: there is none, or two that may be meant.
    """
    if not path:
        raise SegmentError("no segment given: name a file, a database URL or env:NAME")
    wanted = Path(path).expanduser()
    if Workspace.here().locked:
        Workspace.here().demand_segment_file(wanted)
    return _first(wanted, around, lambda place: _is(Path.is_file, place))


def locate_all(path: str, around: Around) -> list[Path]:
    """
    Return the files in the folder, or of the pattern, that *path* means; looked for as by `locate`.

    Raises:
        SegmentError: there are none, or two folders that may be meant.
    """
    wanted = Path(path).expanduser()
    parts = wanted.parts
    fixed = next((n for n, part in enumerate(parts) if is_pattern(part)), len(parts))
    base, pattern = Path(*parts[:fixed]), "/".join(parts[fixed:]) or "*"

    def files_in(folder: Path) -> list[Path]:
        try:
            return [file for file in folder.glob(pattern) if file.is_file()]
        except (OSError, ValueError):  # no pattern that means anything
            return []

    here = Workspace.here()
    if here.locked:
        here.demand_segment_file(base, inside=True)
    found = files_in(_first(base, around, lambda folder: bool(files_in(folder))))
    if here.locked:
        for file in found:  # which may be a link
            here.demand_segment_file(file, inside=True)
    return found


def is_folder(path: str, around: Around) -> bool:
    """Whether *path* means a folder, and no file."""
    try:
        locate(path, around)
    except SegmentError:
        wanted, here = Path(path).expanduser(), Workspace.here()
        folders = [here.folder] if here.locked else _folders(around)
        return any(_is(Path.is_dir, folder / wanted) for folder in folders)
    return False


def digest_of(files: Iterable[Path]) -> str:
    """
    Return a short digest of *files* by their sizes, beginnings and ends, whatever they are called.

    Too short to tell anybody of somebody in them.

    Raises:
        OSError: one cannot be read.
    """
    digest = hashlib.blake2b(digest_size=4)
    for path in files:
        with path.open("rb") as file:
            digest.update(file.read(_LOOKED_AT))
            size = file.seek(0, 2)
            file.seek(max(0, size - _LOOKED_AT))
            digest.update(file.read() + str(size).encode())
    return digest.hexdigest()


def _folders(around: Around) -> list[Path]:
    """Where a relative path is looked for, in this order."""
    here = project_folders((around.working_folder or start_folder()).absolute())
    file = around.parameter_file
    project = project_folders(file.expanduser().absolute().parent) if file else []
    return list(dict.fromkeys([*project[:1], here[0], *project, *here]))


def _first(wanted: Path, around: Around, is_it: Callable[[Path], bool]) -> Path:
    """The first place of *wanted* that *is_it*."""
    if Workspace.here().locked:
        around = Around(working_folder=Workspace.here().folder)
    if wanted.is_absolute():
        if is_it(wanted):
            return wanted
        raise SegmentError("no such file")
    order = _folders(around)
    found = [folder / wanted for folder in order if is_it(folder / wanted)]
    if not found:
        raise SegmentError("no such file in {folders}", folders=", ".join(map(str, order)))
    file = around.parameter_file
    project = project_folders(file.expanduser().absolute().parent) if file else []
    in_project = [folder / wanted for folder in project if folder / wanted in found]
    if in_project and not found[0].samefile(in_project[0]):
        raise SegmentError(
            "the working folder has it, {file}, and so has the parameter file's project, {other}; name "
            "it by an absolute path, or put it beside the parameter file",
            file=found[0],
            other=in_project[0],
        )
    return found[0]


def _is(kind: Callable[[Path], bool], place: Path) -> bool:
    try:
        return kind(place)
    except OSError:  # no name a file could have, such as the whole content of one
        return False
