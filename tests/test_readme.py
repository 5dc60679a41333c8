"""The README's first campaign works as it is printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_the_first_campaign_plans(tmp_path: Path) -> None:
    """The parameter file of the README plans somebody, from the folder the README is in."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"`campaign.yaml`:\n\n```yaml\n(.*?)```", text, re.DOTALL)
    assert found is not None
    file = tmp_path / "campaign.yaml"
    file.write_text(found[1], encoding="utf-8")
    command = [sys.executable, "-m", "smskit", "plan", str(file)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert re.search(r"^[1-9]\d* people, ", done.stdout, re.MULTILINE)
