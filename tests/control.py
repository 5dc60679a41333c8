"""The control routes of a running simulator, as everything here that uses them does."""

from __future__ import annotations

from collections.abc import Iterable

import httpx

from smskit.simulator import Simulator


def control_of(simulator: Simulator) -> httpx.Client:
    """A client of the control routes of *simulator*."""
    return control(simulator.url, simulator.token)


def control(url: str, token: str) -> httpx.Client:
    """A client of the control routes of the simulator at *url*."""
    # No certificates to load for plain HTTP: that would take longer than the tests.
    return httpx.Client(
        base_url=url + "/_simulator",
        headers={"x-smskit-token": token},
        verify=False,
        trust_env=False,
        timeout=60,
    )


def greeted(lines: Iterable[str]) -> tuple[str, str]:
    """Address and token, from what ``smskit simulator`` prints; reads no further than it needs."""
    url = ""
    for line in lines:
        if line.startswith("simulator at "):
            url = line.split()[-1]
        if line.startswith("SMSKIT_SIMULATOR_TOKEN="):
            return url, line.strip().partition("=")[2]
    raise AssertionError("the simulator did not say where it is")
