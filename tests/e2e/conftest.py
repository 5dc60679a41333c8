"""Fixtures of the browser tests: Chromium, JupyterLab servers, notebooks in tabs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.lab import PATIENCE_MS, Lab, Sheet, chromium, project_copy, window

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")  # a session-wide one would leave its event loop to the asyncio tests
def browser() -> Iterator[Browser]:
    """A running Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def start_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Lab]]:
    """Start a JupyterLab whose kernels have these environment variables; ended with the module."""
    with ExitStack() as stack:

        def start(**environ: str) -> Lab:
            root = project_copy(tmp_path_factory.mktemp("project"))
            return stack.enter_context(Lab(root, tmp_path_factory.mktemp("jupyter"), environ))

        yield start


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab without any credential, speaking 中文 until told otherwise."""
    with Lab(project_copy(tmp_path_factory.mktemp("project")), tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture
def sheet(browser: Browser) -> Iterator[Callable[..., Sheet]]:
    """Open notebooks of a lab in windows of their own; closed with the test."""
    opened: list[Sheet] = []

    def open_(lab: Lab, path: str, *, width: int = 1400) -> Sheet:
        made = Sheet(lab, window(browser, width).new_page())
        opened.append(made)
        return made.open(path)

    yield open_
    for each in opened:
        each.close()
        each.page.context.close()
