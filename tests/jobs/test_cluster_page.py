"""The page's lines for a cluster, as a person types them: with Ray's token, from a fresh HOME, after a local run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ray_head import ray_head
from tiny_settings import TINY, tiny_values, write_scenes

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.long]


def page_lines():
    """Commands of the first block of docs/cluster.md, continued lines joined, comments left out."""
    text = (ROOT / "docs/cluster.md").read_text()
    block = re.search(r"```\n(.*?)```", text, re.DOTALL)[1].replace("\\\n", "")
    return [line.partition(" #")[0].strip() for line in block.strip().splitlines()]


@pytest.fixture
def person(tmp_path):
    """A person's environment: no Ray settings, an empty HOME, this environment's programs first in PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    programs = str(Path(sys.executable).parent)
    path = os.pathsep.join([programs, kept["PATH"]])
    return kept | {"HOME": str(tmp_path), "PATH": path, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}


def shell(command, environment, cwd=ROOT):
    done = subprocess.run(
        ["bash", "-ec", command], env=environment, cwd=cwd, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_lines_work_as_they_stand(person, tmp_path):
    scenes = write_scenes(tmp_path / "scenes")
    config = tmp_path / "config.yaml"
    values = tiny_values(scenes, "first") | {"iterations": 1, "training": TINY["training"] | {"max_epochs": 1}}
    values["acquisition"] = TINY["acquisition"] | {"strategy": "random_box"}
    config.write_text(yaml.safe_dump(values))
    shell(f"python -m raymeta run {config}", person, cwd=tmp_path)  # 0.1 left a token behind here

    mode, token, start, submit = page_lines()
    assert (mode, start.split()[:3]) == ("export RAY_AUTH_MODE=token", ["ray", "start", "--head"])
    shell(f"{mode}; {token}", person)
    person |= {"RAY_AUTH_MODE": "token"}
    # Ports of its own, and in the foreground: nothing else on the machine is met or stopped.
    with ray_head(person) as person:
        # Its data set, config and run folder are this test's.
        mine = re.sub(r"configs/\S+\.yaml.*", f"{config} dataset.root={scenes} run_dir={tmp_path}/shared", submit)
        assert mine != submit
        # The dashboard answers some time before the agent that starts jobs is there.
        told = shell(f"for i in 1 2 3 4 5 6 7 8; do {mine} && exit 0; sleep 3; done; exit 1", person)
        assert "random_box" in told
        assert (tmp_path / "shared/iterations/000/summary.json").exists()
        refused = subprocess.run(
            ["bash", "-ec", "ray job list"],
            env=person | {"RAY_AUTH_MODE": "disabled"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert refused.returncode != 0  # without the token nobody gets in
