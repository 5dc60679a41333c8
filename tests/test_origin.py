"""``smskit.sending.origin``: from which file and notebook a run comes."""

from __future__ import annotations

from pathlib import Path

import pytest

from smskit.sending.origin import of_command, origin_of
from smskit.settings import Environment

HERE = Path("/work-folder")


@pytest.mark.parametrize(
    ("command", "found"),
    [
        pytest.param(
            "python papermill in.ipynb runs/o.ipynb -f c.yaml", "c.yaml in.ipynb runs/o.ipynb", id="f"
        ),
        pytest.param(
            "/x/bin/papermill -p mode live --parameters_file=c.yaml in.ipynb o.ipynb",
            "c.yaml in.ipynb o.ipynb",
            id="options-first",
        ),
        pytest.param(
            "python -m papermill in.ipynb o.ipynb -r campaign a.ipynb --cwd x --no-progress-bar",
            "- in.ipynb o.ipynb",
            id="values-are-no-notebooks",
        ),
        pytest.param("papermill in.ipynb s3://b/o.ipynb", "- in.ipynb -", id="elsewhere"),
        pytest.param("papermill in.ipynb o-{run}.ipynb", "- in.ipynb -", id="placeholder"),
        pytest.param("python -m jupyterlab a.ipynb b.ipynb", "- - -", id="not-papermill"),
    ],
)
def test_papermill_command_line(command: str, found: str) -> None:
    """Parameter file, notebook and executed notebook are read off it; what is no path here is not known."""
    expected = ["" if word == "-" else str(HERE / word) for word in found.split()]

    assert list(of_command(command.split(), HERE).values()) == expected


def test_what_is_said_counts() -> None:
    """The environment has the last word, then what papermill injected into the notebook."""
    injected = {"PAPERMILL_INPUT_PATH": "/a/in.ipynb", "PAPERMILL_OUTPUT_PATH": "/a/out.ipynb"}
    said = {"SMSKIT_RUN_EXECUTED": "/b/out.ipynb", "SMSKIT_RUN_FILE": "/b/c.yaml", "SMSKIT_RUN_TOKEN": "t"}
    found = origin_of(Environment(said), injected)

    assert (found.notebook, found.executed) == ("/a/in.ipynb", "/b/out.ipynb")
    assert (found.file, found.token) == ("/b/c.yaml", "t")
