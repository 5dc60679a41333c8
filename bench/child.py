"""
Jobs in processes of their own: a function and its arguments in, plain data out.

A fresh process has empty caches and a memory peak of its own, can be killed,
and takes whatever it changed about the package away with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class JobFailed(Exception):
    """A job ended with an error; its message is the last line the job wrote."""


def call(job: Callable[..., Any], /, **arguments: Any) -> Any:
    """
    Run *job* in a new interpreter and return its result.

    Args:
        job: A function at the top of a module of this package.
        arguments: Plain data, as JSON carries it; likewise the result.

    Raises:
        JobFailed: it raised.
    """
    done = subprocess.run(_command(job), input=_packed(arguments), capture_output=True, cwd=ROOT)
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise JobFailed(f"{job.__name__}: {words[-1] if words else f'exit {done.returncode}'}")
    return json.loads(done.stdout.splitlines()[-1])


def start(job: Callable[..., Any], /, **arguments: Any) -> subprocess.Popen[bytes]:
    """Run *job* in a new interpreter that may be killed; its result is lost."""
    process = subprocess.Popen(
        _command(job),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    assert process.stdin is not None
    process.stdin.write(_packed(arguments))
    process.stdin.close()
    return process


def _command(job: Callable[..., Any]) -> list[str]:
    return [sys.executable, "-m", "bench.child", job.__module__, job.__name__]


def _packed(arguments: dict[str, Any]) -> bytes:
    return json.dumps(arguments).encode()


def _main() -> None:
    module, name = sys.argv[1:]
    result = getattr(import_module(module), name)(**json.load(sys.stdin))
    print(f"\n{json.dumps(result)}", flush=True)
    # Threads and pools of what was measured must not hold the result up.
    os._exit(0)


if __name__ == "__main__":
    _main()
