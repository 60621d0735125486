"""`raymeta tasks`: words that make no sense are told, and nothing happens."""

import pytest
from asked_run import asked_run

from raymeta.cli import main
from raymeta.cli.task_options import open_labels
from raymeta.errors import EXIT_BAD_INPUT


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return asked_run(tmp_path_factory.mktemp("commands"), [("im1", 0, 0), ("im2", 8, 8)], images=1).location


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["accept"], "--task ID or --set NAME"),
        (["accept", "--task", "q000-000001"], "nothing was answered yet"),
        (["return", "--task", "q000-000001"], "nothing was answered yet"),
        (["void", "--task", "q000-000009"], "--task q000-000009 isn't a task of the run"),
        (["log", "--task", "nix"], "called like initial-000001"),
        (["close", "--set", "query-009"], "choose among initial, query-000"),
        (["export", "--format", "labelme", "--out", "DIR", "--margin", "-1"], "--margin -1"),
        (["export", "--format", "labelme", "--out", "DIR", "--limit", "0"], "--limit 0"),
        (["export", "--format", "yolo", "--out", "DIR"], "yolo"),
        (["import", "DIR"], "handed nothing out yet"),
    ],
)
def test_what_makes_no_sense_is_told(run, words, said, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["tasks", run, *(str(out) if word == "DIR" else word for word in words)]) == EXIT_BAD_INPUT
    assert said in capsys.readouterr().err
    assert not out.exists()
    assert open_labels(run)[1].events.all() == []


@pytest.mark.parametrize("words", [["log", "--task", "q000-000001"], ["accept", "--task", "q000-000001"]])
def test_a_task_of_a_run_that_nobody_is_asked_about_is_told_so(tmp_path, capsys, words):
    simulated = asked_run(tmp_path, [], oracle="{kind: simulated}").location
    assert main(["tasks", simulated, *words]) == EXIT_BAD_INPUT
    assert "simulated annotator" in capsys.readouterr().err
