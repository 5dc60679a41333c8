"""A project with an account, a segment and commands, as the tests of the command line have it."""

from tests.test_cli import desk, run

__all__ = ["desk", "run"]
