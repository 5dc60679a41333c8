"""How many examples a property is tried with: few while working, a hundred in CI, many at night."""

from __future__ import annotations

import os

from hypothesis import settings

__all__ = ["examples"]

# deadline: shared machines stall now and then
settings.register_profile("dev", max_examples=20, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None)
settings.register_profile("nightly", max_examples=1000, deadline=None, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


def examples(in_ci: int) -> int:
    """How many examples to try of a property that wants *in_ci* of them in CI: in proportion elsewhere."""
    return max(5, in_ci * settings().max_examples // 100)
