"""
``smskit demo``: the send notebook, run by papermill on a messy segment, in rehearsal.

Works without an account and without touching anything of the user's: its
ledger lies in the output folder.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from smskit.cli.printing import print_counts, say, t
from smskit.files import made_folder
from smskit.models import TIMEZONE
from smskit.notebook.headless import execute
from smskit.notebook.sample import campaign_data, project


def run_demo(folder: Path) -> None:
    """
    Run the demo and print its books; leaves an executed notebook and an HTML report in *folder*.

    Raises:
        SmskitError: the notebook failed; names the executed notebook to look at.
    """
    root = project()
    folder = folder if folder.is_absolute() else Path.cwd() / folder
    made_folder(folder)
    os.environ["SMSKIT_DATABASE_URL"] = f"sqlite:///{folder / 'demo.db'}"
    name = f"demo-{datetime.now(ZoneInfo(TIMEZONE)):%Y%m%d-%H%M%S}"
    notebook, page = folder / f"{name}.ipynb", folder / f"{name}.html"
    _import_opt_outs(root / "sample_segments" / "opt_out.csv")
    say("Rehearsing sample_segments/messy.csv with the built-in simulator ...")
    sys.stdout.flush()
    os.environ["SMSKIT_RUN_EXECUTED"] = str(notebook)  # the run leaves its report beside it
    execute(root / "notebooks" / "03_send_campaign.ipynb", notebook, campaign_data(name))
    _print_result(notebook)
    print(f"\n{t('notebook  ')}{_near(notebook)}\n{t('report    ')}{_near(page)}")
    print(f"\n{t('Ask on:   ')}export SMSKIT_DATABASE_URL=sqlite:///{_near(folder / 'demo.db')}")
    command = _near(Path(sys.argv[0])) if Path(sys.argv[0]).name == "smskit" else "smskit"
    print(f"          {command} status {name}\n          {command} messages {name}")


def _import_opt_outs(file: Path) -> None:
    from smskit.ledger.opening import open_ledger
    from smskit.reporting.opt_outs import import_list

    import_list(open_ledger(), file)


def _print_result(notebook: Path) -> None:
    from smskit.notebook import SUMMARY_TYPE

    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if SUMMARY_TYPE in data:
                print()
                print_counts(data[SUMMARY_TYPE])


def _near(path: Path) -> str:
    return os.path.relpath(path)
