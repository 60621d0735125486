"""The manifests of deploy/kuberay hold no field that KubeRay doesn't know, and what they name is there."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from raymeta.config import load_config
from raymeta.service.settings import ServiceSettings, ServingLayout

ROOT = Path(__file__).parent.parent.parent
MANIFESTS = ROOT / "deploy/kuberay"
CRDS = json.loads((Path(__file__).parent / "kuberay_crds.json").read_text())
CLUSTER = {"RayCluster": ["spec"], "RayJob": ["spec", "rayClusterSpec"], "RayService": ["spec", "rayClusterConfig"]}
NAMES = ("raycluster", "rayjob", "rayservice")


def manifest(name):
    return yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text())


def faults(content):
    """Where the manifest breaks KubeRay's schema."""
    schema = {"$defs": CRDS["$defs"], "type": "object", "properties": CRDS["kinds"][content["kind"]]}
    found = jsonschema.Draft202012Validator(schema | {"additionalProperties": False}).iter_errors(content)
    return [f"{error.json_path}: {error.message}" for error in found]


def cluster_of(content):
    for key in CLUSTER[content["kind"]]:
        content = content[key]
    return content


def pods(content):
    cluster = cluster_of(content)
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


@pytest.mark.parametrize("name", NAMES)
def test_kuberay_knows_every_field(name):
    assert faults(manifest(name)) == []


def test_the_schema_refuses_what_it_does_not_know():
    wrong = manifest("rayjob")
    wrong["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["maxReplica"] = 3
    wrong["spec"]["backoffLimit"] = "three"
    wrong["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0]["volumeMount"] = []
    assert len(faults(wrong)) == 3


@pytest.mark.parametrize("name", NAMES)
def test_ray_is_the_pinned_one_and_has_a_token(name):
    cluster = cluster_of(manifest(name))
    assert f"ray=={cluster['rayVersion']}\n" in (ROOT / "constraints.txt").read_text()
    assert cluster["authOptions"] == {"mode": "token"}


@pytest.mark.parametrize("name", NAMES)
def test_every_pod_sees_the_data_and_is_an_ordinary_user(name):
    for group in pods(manifest(name)):
        spec = group["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert {"name": "data", "mountPath": "/data"} in spec["containers"][0]["volumeMounts"]
        assert [volume["name"] for volume in spec["volumes"]] == ["data"]


def test_the_job_runs_a_config_that_is_in_the_image():
    python, script, config, *overrides = manifest("rayjob")["spec"]["entrypoint"].split()
    assert python == "python"
    for path in (script, config):
        assert (ROOT / Path(path).relative_to("/opt/raymeta")).is_file()
    loaded = load_config(str(ROOT / Path(config).relative_to("/opt/raymeta")), overrides)
    assert loaded.dataset.root.startswith("/data/")
    assert loaded.run_dir.startswith("/data/")


def test_the_service_takes_its_arguments():
    content = manifest("rayservice")["spec"]["serveConfigV2"]
    (application,) = yaml.safe_load(content)["applications"]
    known = {*ServiceSettings.__dataclass_fields__, *ServingLayout.__dataclass_fields__}
    assert set(application["args"]) <= known


def test_the_container_file_copies_what_is_there():
    lines = (ROOT / "deploy/Containerfile").read_text().splitlines()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [
        name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    ]
    for name in copied:
        assert (ROOT / name).exists()
        assert f"!{name}" in ignored, "the build would not see it"
    users = [line for line in lines if line.startswith("USER ")]
    assert users == ["USER 1000"]
