"""
The failure mail-box: a command or a webhook that is told how a run ended.

Set by the environment only, since a parameter file must not run commands. What it
is told holds no phone and no key; whether it works never changes a run's result.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smskit.errors import SettingsError
from smskit.i18n import Joined
from smskit.settings import Environment

__all__ = ["Hook", "hook_of"]

COMMAND_TIMEOUT_S = 30.0
URL_TIMEOUT_S = 10.0
ATTEMPTS = 3
ENDS = ("all", "not_finished")
HOOKS = ("SMSKIT_ON_RUN_END_COMMAND", "SMSKIT_ON_RUN_END_URL", "SMSKIT_ON_RUN_END_VARIABLES")
# All of the environment that a command gets; what else it needs, SMSKIT_ON_RUN_END_VARIABLES names.
_PASSED = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"),
    *(
        "SYSTEMROOT",
        "COMSPEC",
        "PATHEXT",
        "USERPROFILE",
        "TEMP",
        "TMP",
    ),  # without these Windows starts little
    *("SMSKIT_LANG", "SMSKIT_RUN_FILE", "SMSKIT_RUN_NOTEBOOK", "SMSKIT_RUN_EXECUTED"),
)


@dataclass(frozen=True)
class Hook:
    """
    Whom to tell of a run's end.

    Args:
        command: Run without a shell, with the JSON on its standard input; "" = none.
        url: The JSON is posted there; "" = nowhere. May hold a token, so it is never shown.
        ends: ``all``, or ``not_finished``.
        variables: Of the environment, which the command gets besides the usual ones.
        held: Why nobody is told, although a ``.env`` says whom; "" = it is not so.
    """

    command: str = ""
    url: str = field(default="", repr=False)
    ends: str = "all"
    variables: tuple[str, ...] = ()
    held: str = ""
    sleep: Callable[[float], None] = time.sleep

    def tell(self, data: Mapping[str, Any]) -> str:
        """
        Tell it, if it wants to know; returns how that went in a few words, "" when nobody was told.

        Raises nothing: a hook that fails is a note.
        """
        if self.ends == "not_finished" and data.get("state") == "finished":
            return ""
        body = json.dumps(data, ensure_ascii=False, default=str).encode()
        told = [self.held] if self.held else []
        told += [_command(self.command, body, self.variables)] if self.command else []
        told += [_post(self.url, body, self.sleep)] if self.url else []
        return "; ".join(told)


def hook_of(environment: Environment, *, live: bool = False) -> Hook:
    """
    The hook the environment names.

    Args:
        live: A ``.env`` that nobody has allowed names none; a live run is refused then, and any other goes
            on without.

    Raises:
        SettingsError: ``SMSKIT_ON_RUN_END`` is not one of ``ENDS``, or the hook is not allowed.
    """
    held = environment.held(HOOKS)
    why = environment.why_held(held) if held else ""
    if why and live:
        raise SettingsError(why)
    ends = environment.get("SMSKIT_ON_RUN_END", "all")
    if ends not in ENDS:
        raise SettingsError("SMSKIT_ON_RUN_END must be {choices}", choices=Joined(ENDS, " or "))
    return Hook(
        environment.get("SMSKIT_ON_RUN_END_COMMAND"),
        environment.secret("SMSKIT_ON_RUN_END_URL"),
        ends,
        tuple(re.findall(r"\w+", environment.get("SMSKIT_ON_RUN_END_VARIABLES"))),
        str(why),
    )


def _command(command: str, body: bytes, variables: Iterable[str]) -> str:
    # What the command prints goes nowhere: it would end up in the executed notebook.
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    env = {name: os.environ[name] for name in (*_PASSED, *variables) if name in os.environ}
    try:
        words = shlex.split(command)
        done = subprocess.run(words, input=body, env=env, timeout=COMMAND_TIMEOUT_S, check=False, **quiet)  # type: ignore[call-overload]
    except subprocess.TimeoutExpired:
        return f"command: took longer than {COMMAND_TIMEOUT_S:g} s"
    except (OSError, ValueError, IndexError) as error:
        return f"command: {type(error).__name__}"
    return f"command: exit {done.returncode}"


def _post(url: str, body: bytes, sleep: Callable[[float], None]) -> str:
    import httpx

    from smskit.providers.http import proxy_for

    told = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            sleep(2.0**attempt / 2)
        try:
            answer = httpx.post(
                url,
                content=body,
                headers={"Content-Type": "application/json"},
                timeout=URL_TIMEOUT_S,
                proxy=proxy_for(url),
                verify=httpx.create_ssl_context(),
                trust_env=False,  # else a name and password out of ~/.netrc would go along
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            told = f"url: {type(error).__name__}"  # its text may repeat the address
            if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
                break
            continue
        told = f"url: HTTP {answer.status_code}"
        if answer.status_code < 500 and answer.status_code != 429:
            break
    return told
