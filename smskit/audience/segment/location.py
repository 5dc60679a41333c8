"""
Where a segment is: the variable that names it, and the file a path means in this project.

Errors do not repeat the place, which may come from a variable and be a secret.
What is in the file or database is for its reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from smskit.errors import SegmentError, suggest
from smskit.i18n import Message
from smskit.settings import project_folders

FILE_KINDS: Final = ".csv, .tsv, .txt, .parquet or .xlsx"

_URL: Final = re.compile(r"[A-Za-z][\w+.-]*://")
_ELSEWHERE: Final = re.compile(r"(https?|ftps?|sftp|s3a?|gs|gcs|oss|cos|obs|hdfs|abfss?)://", re.IGNORECASE)


def is_url(place: str) -> bool:
    """Tell a URL from a path, by its start alone."""
    return _URL.match(place) is not None


def is_elsewhere(place: str) -> bool:
    """Tell the address of a file on another machine, which no reader takes."""
    return _ELSEWHERE.match(place) is not None


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


def locate(path: str, working_folder: Path | None) -> Path:
    """Return the file *path* means: absolute, or in the working folder or one above it within the project."""
    if not path:
        raise SegmentError(Message("no segment given: name a file, a database URL or env:NAME"))
    wanted = Path(path).expanduser()
    if wanted.is_absolute():
        if _is_file(wanted):
            return wanted
        raise SegmentError(Message("no such file"))
    folders = project_folders((working_folder or Path.cwd()).absolute())
    for folder in folders:
        if _is_file(folder / wanted):
            return folder / wanted
    raise SegmentError(Message("no such file in {folders}", folders=", ".join(map(str, folders))))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no name a file could have, such as the whole content of one
        return False
