"""README's lines for a cluster, as a person types them: with Ray's token, from a fresh HOME, after a local run."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tiny_settings import TINY, tiny_values, write_scenes

from conftest import ROOT, free_port, wait_for

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.long]


def readme_lines():
    """Commands of the first block below "A cluster", continued lines joined, comments left out."""
    text = (ROOT / "README.md").read_text().partition("## A cluster")[2]
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
    done = subprocess.run(["bash", "-ec", command], env=environment, cwd=cwd, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_lines_work_as_they_stand(person, tmp_path):
    scenes = write_scenes(tmp_path / "scenes")
    config = tmp_path / "config.yaml"
    values = tiny_values(scenes, "first") | {"iterations": 1, "training": TINY["training"] | {"max_epochs": 1}}
    values["acquisition"] = TINY["acquisition"] | {"strategy": "random_box"}
    config.write_text(yaml.safe_dump(values))
    shell(f"python -m raymeta run {config}", person, cwd=tmp_path)  # 0.1 left a token behind here

    mode, token, start, submit = readme_lines()
    assert (mode, start.split()[:3]) == ("export RAY_AUTH_MODE=token", ["ray", "start", "--head"])
    shell(f"{mode}; {token}", person)
    person |= {"RAY_AUTH_MODE": "token"}
    # Ports of its own, and in the foreground: nothing else on the machine is met or stopped.
    port, dashboard = free_port(), free_port()
    own = f"--block --port={port} --dashboard-host=127.0.0.1 --dashboard-port={dashboard} --num-cpus=4"
    own += f" --ray-client-server-port={free_port()} --dashboard-agent-listen-port={free_port()}"
    with (tmp_path / "head.log").open("w") as log:
        head = subprocess.Popen(
            ["bash", "-ec", f"exec ray start --head {own}"],
            env=person,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(dashboard)
        person |= {"RAY_ADDRESS": f"http://127.0.0.1:{dashboard}"}
        # Its data set, config and run folder are this test's.
        mine = re.sub(r"configs/\S+\.yaml.*", f"{config} dataset.root={scenes} run_dir={tmp_path}/shared", submit)
        assert mine != submit
        # The dashboard answers some time before the agent that starts jobs is there.
        told = shell(f"for i in 1 2 3 4 5 6 7 8; do {mine} && exit 0; sleep 3; done; exit 1", person)
        assert "random_box" in told
        assert (tmp_path / "shared/iterations/000/summary.json").exists()
        refused = subprocess.run(
            ["ray", "job", "list"], env=person | {"RAY_AUTH_MODE": "disabled"}, capture_output=True, text=True, timeout=120
        )
        assert refused.returncode != 0  # without the token nobody gets in
    finally:
        head.send_signal(signal.SIGTERM)
        head.wait(timeout=60)
