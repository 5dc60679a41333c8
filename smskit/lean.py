"""What libraries load at their import though nothing here uses it."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module

__all__ = ["import_jsonschema"]

_IRI_GRAMMAR = "rfc3987_syntax"


def import_jsonschema() -> None:
    """
    Import jsonschema without its check of IRIs, whose grammar takes seconds to build.

    To be called before nbformat, papermill, altair or Voilà is imported, all of which bring it. Where it
    is there already, or is not installed, nothing happens.
    """
    if "jsonschema" in sys.modules or _IRI_GRAMMAR in sys.modules:
        return
    sys.modules[_IRI_GRAMMAR] = None  # type: ignore[assignment]  # whoever imports it is told it is not there
    try:
        with suppress(ImportError):
            import_module("jsonschema")
    finally:
        del sys.modules[_IRI_GRAMMAR]
