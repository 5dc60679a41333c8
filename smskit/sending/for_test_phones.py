"""The campaign a test send is: what one planned person would get, to each of the test phones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from smskit.errors import InputError
from smskit.planning.phones_for_tests import numbers_of
from smskit.planning.plan import Plan
from smskit.planning.spec import CampaignSpec

__all__ = ["campaign_for_test_phones"]

# Test phones are few, and chosen: nothing keeps one out, and nothing is tried on some of them first.
_PLAIN: Final[dict[str, Any]] = {
    "series": "",
    "rules": None,
    "user_id": "",
    "phone": "phone",
    "consent": "",
    "frequency_cap": "",
    "canary": 0.0,
    "drift": "allow",
    "holdout": 0.0,
    "global_holdout": 0.0,
    "plan_hash": "",
}


def campaign_for_test_phones(
    plan: Plan,
    *,
    row: int | None,
    at: datetime,
    environ: Mapping[str, str] = os.environ,
    parameter_file: Path | None = None,
) -> tuple[CampaignSpec, pd.DataFrame]:
    """
    Its parameters, and its segment: one row per test phone, column ``phone``.

    Args:
        row: Whose values to use, by position in the plan; None = the first planned.
        at: When it is sent; its id ends in it.
        environ, parameter_file: For test phones that are elsewhere, see `numbers_of`.

    Raises:
        InputError: there are no test phones, one is no mobile or cannot be read, or nobody is planned.
    """
    if not plan.spec.test_phones:
        raise InputError("parameter `test_phones` is empty: there is nobody to send a test to")
    if not plan.planned:
        raise InputError("nobody is planned, so there is nothing to test with")
    source = int(plan.order[0]) if row is None else row
    phones = numbers_of(plan.spec.test_phones, environ, parameter_file)
    values = {name: {"value": column[source].as_py()} for name, column in plan.variables.items()}
    name = f"{plan.spec.campaign[:90]}.test-{at:%Y%m%dT%H%M%S}"
    spec = plan.spec.model_copy(update=_PLAIN | {"campaign": name, "variables": values})
    return spec, pd.DataFrame({"phone": [str(phone) for phone in phones]}, dtype="str")
