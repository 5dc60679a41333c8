"""The sample campaign: what the demo runs, and a notebook that was given no parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from smskit.errors import SmskitError
from smskit.settings import PACKAGE
from smskit.settings.places import project_root, start_folder

SIGNATURE = "GrowingIO"
TEMPLATE = "你好{name}，恭喜你获得{coupon}元VIP优惠券，请于3天内在App使用。拒收请回复R"
_PARAMETERS: dict[str, Any] = {
    "rules": {"all": [{"column": "level", "op": "in", "value": ["gold", "platinum", "silver", "normal"]}]},
    "provider": "yunpian",
    "signature": SIGNATURE,
    "template": TEMPLATE,
    "variables": {"name": "name", "coupon": "coupon"},
    "consent": "consent",
    "mode": "rehearse",
    "max_recipients": 1000,
    "max_cost": "100",
}


def campaign_data(name: str) -> dict[str, Any]:
    """Parameters of a rehearsal of the messy sample segment under the id *name*."""
    return _PARAMETERS | {"campaign": name, "segment": sample_segment("messy.csv")}


def sample_segment(file: str) -> str:
    """Where a sample lies, as `segment` takes it: from the project's root, when we are in that project."""
    home, path = project(), Path("sample_segments") / file
    return str(path if home == project_root(start_folder()) else home / path)


def project() -> Path:
    """
    The folder that holds ``notebooks/`` and ``sample_segments/``: the checkout, else the installed copy.

    Raises:
        SmskitError: neither is there.
    """
    for folder in (project_root(start_folder()), PACKAGE.parent, PACKAGE / "_project"):
        if folder and (folder / "notebooks" / "03_send_campaign.ipynb").is_file():
            return folder
    raise SmskitError("the notebooks are not here; run this in a checkout of smskit")
