"""The Airflow example: real ``airflow dags test`` of the DAG file, on a metadata database of its own."""

from __future__ import annotations

import ast
import subprocess

import pytest

from smskit import errors
from tests.conftest import ROOT
from tests.examples.conftest import Site, assert_rehearsed, copied, environment, register_kernel

DAG = ROOT / "examples" / "airflow" / "weekly_vip.py"
FLOW = ROOT / "examples" / "prefect" / "weekly_vip.py"


@pytest.fixture
def airflow(site: Site) -> Site:
    """A site with an Airflow that has the DAG."""
    home = site.folder / "airflow"
    register_kernel(site)
    site.environ |= {
        "PATH": f"{environment('airflow')}:{site.environ['PATH']}",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    copied(DAG, home / "dags" / "weekly_vip.py")
    made = site.run(["airflow", "db", "migrate"])
    assert made.returncode == 0, made.stderr
    return site


def dag_run(site: Site, logical_date: str) -> subprocess.CompletedProcess[str]:
    """One run of the DAG as of a logical date."""
    return site.run(["airflow", "dags", "test", "weekly_vip", logical_date])


@pytest.mark.timeout(1800)
@pytest.mark.schedulers
def test_runs_of_the_dag(airflow: Site) -> None:
    """The logical date makes the id; a second run sends nothing; one that is too late fails its task."""
    first = dag_run(airflow, "2099-11-15T16:30:00+00:00")  # Monday half past midnight in Shanghai
    assert_rehearsed(airflow, "weekly-vip-2099-W47")
    again = dag_run(airflow, "2099-11-15T16:30:00+00:00")
    late = dag_run(airflow, "2026-11-16T02:00:00+00:00")

    assert (first.returncode, again.returncode) == (0, 0), first.stdout + again.stdout
    assert late.returncode != 0
    assert "AirflowFailException: GuardRefused" in late.stdout + late.stderr, "no retry would help"
    assert_rehearsed(airflow, "weekly-vip-2099-W47")


@pytest.mark.parametrize("file", [DAG, FLOW], ids=["airflow", "prefect"])
def test_what_is_tried_again(file: object) -> None:
    """The errors an example tries again are those smskit ends with 4, that can end a run."""
    (found,) = [
        ast.literal_eval(node.value)
        for node in ast.parse(DAG.read_text("utf-8") if file is DAG else FLOW.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RUN_AGAIN"
    ]
    ours = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, Exception)]

    assert found == {cls.__name__ for cls in ours if getattr(cls, "exit_code", 1) == 4}
