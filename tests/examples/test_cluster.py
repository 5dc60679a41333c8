"""The example of a cluster: its script over a real server, and its manifests as far as can be looked at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sqlalchemy as sa
import yaml

from smskit.errors import CampaignPaused, GuardRefused, InputError
from smskit.models import Mode
from smskit.planning.spec import CampaignSpec
from smskit.providers import provider_class
from smskit.settings import variable_of
from tests.conftest import ROOT
from tests.postgres import Server

FOLDER = ROOT / "examples" / "cluster"
PEOPLE = 3_000


@pytest.mark.long
@pytest.mark.xdist_group("dask")
def test_one_machine(postgres: Server, tmp_path: Path) -> None:
    """Planned in parts, begun by one and joined by two tasks: everybody once, by the provider's count."""
    with postgres.schema() as url:
        done = subprocess.run(
            [sys.executable, str(FOLDER / "one_machine.py"), "--people", str(PEOPLE)],
            env=os.environ | {"SMSKIT_DATABASE_URL": url},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    *_, status, last = done.stdout.splitlines() or ["", ""]

    assert done.returncode == 0, done.stderr
    assert json.loads(status)["accepted"] == PEOPLE
    assert last == "the provider accepted 3,000 messages to 3,000 phones"
    assert "Traceback" not in done.stderr


MANIFESTS = sorted((FOLDER / "kubernetes").glob("*.yaml"))


def documents() -> list[dict[str, Any]]:
    """All of them."""
    return [each for file in MANIFESTS for each in yaml.safe_load_all(file.read_text("utf-8"))]


def one(kind: str, name: str = "") -> dict[str, Any]:
    """The manifest of that kind, and name."""
    (found,) = [d for d in documents() if d["kind"] == kind and name in ("", d["metadata"]["name"])]
    return found


# What the API server and the operators' definitions demand, and no field besides those that are used.
VERSIONS = {
    "Cluster": "postgresql.cnpg.io/v1",
    "ConfigMap": "v1",
    "DaskCluster": "kubernetes.dask.org/v1",
    "Job": "batch/v1",
    "Secret": "v1",
}
NAME: dict[str, Any] = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}


def closed(required: str, optional: str = "", **properties: Any) -> dict[str, Any]:
    """The schema of an object with these fields and no others."""
    names = [*required.split(), *optional.split()]
    given = {name: properties.get(name, {}) for name in names}
    return {
        "type": "object",
        "properties": given,
        "required": required.split(),
        "additionalProperties": False,
    }


def several(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


TEXT, COUNT = {"type": "string"}, {"type": "integer", "minimum": 1}
CONTAINER = closed(
    "name image",
    "args command env envFrom ports readinessProbe resources volumeMounts",
    name=NAME,
    image=TEXT,
    args=several(TEXT),
    command=several(TEXT),
    env=several(closed("name", "value valueFrom", name=TEXT, value=TEXT)),
    envFrom=several(closed("", "configMapRef secretRef")),
    ports=several(closed("name containerPort", "protocol", name=NAME, containerPort=COUNT)),
    volumeMounts=several(closed("name mountPath", name=NAME, mountPath=TEXT)),
)
POD = closed(
    "containers",
    "restartPolicy terminationGracePeriodSeconds volumes",
    containers=several(CONTAINER),
    restartPolicy={"enum": ["Never", "OnFailure"]},
    terminationGracePeriodSeconds=COUNT,
)
SERVICE = closed(
    "type selector ports",
    ports=several(closed("name port targetPort", "protocol", name=NAME, port=COUNT)),
)
SPECS = {
    "Cluster": closed(
        "instances storage",
        "bootstrap postgresql",
        instances=COUNT,
        storage=closed("size", size=TEXT),
        postgresql=closed(
            "synchronous",
            synchronous=closed(
                "method number",
                "dataDurability",
                method={"enum": ["any", "first"]},
                number=COUNT,
                dataDurability={"enum": ["required", "preferred"]},
            ),
        ),
        bootstrap=closed("initdb", initdb=closed("database owner", "encoding")),
    ),
    "DaskCluster": closed(
        "worker scheduler",
        worker=closed("replicas spec", replicas=COUNT, spec=POD),
        scheduler=closed("spec service", spec=POD, service=SERVICE),
    ),
    "Job": closed(
        "template",
        "parallelism completions backoffLimit podFailurePolicy",
        parallelism=COUNT,
        completions=COUNT,
        backoffLimit=COUNT,
        template=closed("spec", spec=POD),
    ),
}


@pytest.mark.parametrize("manifest", documents(), ids=lambda d: f"{d['kind']}-{d['metadata']['name']}")
def test_a_manifest_has_its_fields(manifest: dict[str, Any]) -> None:
    """Each is of a known kind and version, has what that needs, and no misspelt field."""
    kind = manifest["kind"]
    body = {"spec"} if kind in SPECS else {"data", "stringData", "type"}

    assert manifest["apiVersion"] == VERSIONS[kind]
    assert set(manifest) - {"apiVersion", "kind", "metadata"} <= body
    jsonschema.validate(manifest["metadata"], closed("name", name=NAME))
    if kind in SPECS:
        jsonschema.validate(manifest["spec"], SPECS[kind])


def containers() -> list[dict[str, Any]]:
    dask, job = one("DaskCluster")["spec"], one("Job")["spec"]
    pods = [dask["worker"]["spec"], dask["scheduler"]["spec"], job["template"]["spec"]]
    return [container for pod in pods for container in pod["containers"]]


def test_manifests_name_each_other() -> None:
    """Ledger, secrets, settings, image and the scheduler's service are the same wherever they are named."""
    settings = one("ConfigMap", "smskit-settings")["data"]
    ledger = one("Cluster")
    url = sa.make_url(settings["SMSKIT_DATABASE_URL"])
    referred = {
        next(iter(each.values()))["name"]
        for container in containers()
        for each in container.get("envFrom", ())
    }
    secrets = {
        each["valueFrom"]["secretKeyRef"]["name"]
        for container in containers()
        for each in container.get("env", ())
        if "valueFrom" in each
    }
    dask = one("DaskCluster")
    service = dask["spec"]["scheduler"]["service"]

    assert url.host == f"{ledger['metadata']['name']}-rw"
    assert (url.username, url.database) == (
        ledger["spec"]["bootstrap"]["initdb"]["owner"],
        ledger["spec"]["bootstrap"]["initdb"]["database"],
    )
    assert url.password is None
    assert ledger["spec"]["postgresql"]["synchronous"]["dataDurability"] == "required"
    assert referred == {"smskit-settings", "smskit-provider"}
    assert secrets == {f"{ledger['metadata']['name']}-app"}  # the operator makes it
    assert len({container["image"] for container in containers()}) == 1
    assert service["selector"]["dask.org/cluster-name"] == dask["metadata"]["name"]
    assert service["type"] == "ClusterIP"
    port = service["ports"][0]["port"]
    assert f"tcp://{dask['metadata']['name']}-scheduler:{port}" in (FOLDER / "README.md").read_text("utf-8")


def test_manifests_fit_smskit() -> None:
    """The campaign is valid and a rehearsal, settings are known, and refusals are not run again."""
    spec = CampaignSpec.from_data(
        yaml.safe_load(one("ConfigMap", "smskit-campaign")["data"]["campaign.yaml"])
    )
    fields = provider_class(spec.provider).Settings.model_fields
    known = {variable_of(spec.provider, field) for field in fields}
    named = {*one("ConfigMap", "smskit-settings")["data"], *one("Secret")["stringData"]}
    job = one("Job")["spec"]
    (rule,) = job["podFailurePolicy"]["rules"]
    campaign = job["template"]["spec"]["containers"][0]

    assert spec.mode is Mode.REHEARSE
    assert named - known == {"SMSKIT_DATABASE_URL", "SMSKIT_KEYRING"}
    assert set(rule["onExitCodes"]["values"]) == {InputError.exit_code, GuardRefused.exit_code}
    assert CampaignPaused.exit_code not in rule["onExitCodes"]["values"]
    assert rule["onExitCodes"]["containerName"] == campaign["name"]
    assert campaign["command"][:2] == ["smskit", "run"]
    assert campaign["volumeMounts"][0]["mountPath"] in campaign["command"][2]
