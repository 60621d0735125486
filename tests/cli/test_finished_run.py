"""`raymeta run` on a run that is over: it says so, and loads nothing that computes."""

import subprocess
import sys

import pytest
import yaml
from tiny_settings import child_environment, tiny_values, write_scenes

from raymeta.cli import main

pytestmark = pytest.mark.slow

HEAVY = {"torch", "ray", "numba", "scipy", "sklearn", "catboost"}
COMMAND = (
    "import sys; from raymeta.cli import main; code = main(sys.argv[1:]); "
    f"print(sorted({HEAVY!r} & {{*sys.modules}}), code)"
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    values = tiny_values(write_scenes(folder / "scenes"), str(folder / "run")) | {"iterations": 1}
    values["acquisition"] = values["acquisition"] | {"strategy": "random_box"}
    (folder / "config.yaml").write_text(yaml.safe_dump(values))
    assert main(["run", "--local", str(folder / "config.yaml")]) == 0
    return folder


def run(folder, *more):
    """Lines of the output, and the last one: what was loaded, and the exit code."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "run", str(folder / "config.yaml"), *more],
        env=child_environment(folder),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    return "\n".join(lines[:-1]), lines[-1]


@pytest.mark.parametrize("place", [(), ("--local",)])
def test_it_is_told_without_loading_what_computes(finished, place):
    page = finished / "run/report/report.html"
    before = page.stat().st_mtime_ns
    text, loaded = run(finished, *place)
    assert "all iterations are done" in text
    assert str(page) in text.replace("\n", "")
    assert loaded == "[] 0"
    assert page.stat().st_mtime_ns == before


def test_a_lost_report_is_made_anew(finished, capsys):
    page = finished / "run/report/report.html"
    content = page.read_bytes()
    page.unlink()
    assert main(["run", "--local", str(finished / "config.yaml")]) == 0
    assert "all iterations are done" in capsys.readouterr().out
    assert len(page.read_bytes()) == pytest.approx(len(content), rel=0.05)


def test_a_damaged_artefact_is_made_anew(finished, capsys):
    damaged = finished / "run/iterations/000/query.parquet"
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-20])
    assert main(["run", "--local", str(finished / "config.yaml")]) == 0
    assert "all iterations are done" not in capsys.readouterr().out
    assert damaged.read_bytes() == content


def test_a_pipe_of_a_notebook_gets_lines_and_no_bars(finished):
    """Its kernel sets FORCE_COLOR."""
    done = subprocess.run(
        [sys.executable, "-m", "raymeta", "check", str(finished / "config.yaml")],
        env=child_environment(finished) | {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "━" not in done.stdout
