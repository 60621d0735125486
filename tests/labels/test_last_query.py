"""The last query of a run of people: no training follows that would use its answers, so nobody is asked."""

import hashlib
import json

import pyarrow.parquet as pq
import pytest
from simulated_person import answer_all, config_text, write_images

from raymeta.cli import main
from raymeta.cli.task_options import open_labels
from raymeta.errors import EXIT_WAITING
from raymeta.labels.annotator import query_set_name
from raymeta.runs.iteration_folder import STAGES

pytestmark = pytest.mark.slow


class PeoplesRun:
    """A run in a folder, by the command that a person repeats."""

    def __init__(self, folder):
        self.folder, self.place, self._turns = folder, folder / "run", 0
        write_images(folder / "data", labelled=False)
        (folder / "config.yaml").write_text(config_text(folder / "data", self.place, "{kind: people}"))

    def go_on(self, iterations):
        return main(["run", "--local", str(self.folder / "config.yaml"), f"iterations={iterations}"])

    def answer(self):
        self._turns += 1
        answer_all(self.place, self.folder / f"turn{self._turns}", "labelme")

    def stages(self):
        """Of each iteration, the committed ones."""
        store, _ = open_labels(str(self.place))
        return [store.iteration(index).committed_stages() for index in store.iterations()]

    def sets(self):
        """Of boxes."""
        _, labels = open_labels(str(self.place))
        return [name for name in labels.sets.names() if name.startswith("query")]

    def table(self, iteration, name):
        return pq.read_table(self.place / f"iterations/{iteration:03d}/{name}.parquet")

    def digests(self):
        """Of every file of the iterations."""
        found = sorted(path for path in (self.place / "iterations").rglob("*") if path.is_file())
        return {str(path.relative_to(self.place)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def status(self, capsys):
        capsys.readouterr()
        assert main(["status", str(self.place), "--json"]) == 0
        (told,) = json.loads(capsys.readouterr().out)
        return told["state"], told["iteration"], told["iterations"], told["stage"]


@pytest.fixture
def run(tmp_path):
    run = PeoplesRun(tmp_path)
    assert run.go_on(1) == EXIT_WAITING  # whole images
    run.answer()
    return run


def test_the_last_query_is_asked_once_a_training_follows(run, capsys):
    assert run.go_on(1) == 0
    assert "iterations=2" in capsys.readouterr().out
    assert (run.sets(), run.stages()) == ([], [list(STAGES)])
    assert (run.table(0, "query").num_rows, run.table(0, "annotation").num_rows) == (6, 0)
    assert run.status(capsys) == ("finished", 1, 1, None)
    assert main(["tasks", str(run.place)]) == 0
    assert "0 boxes to come" in capsys.readouterr().out

    ended = run.digests()
    assert run.go_on(1) == 0
    assert "iterations=2" in capsys.readouterr().out
    assert run.digests() == ended

    for _ in range(2):  # asked once, by whichever command
        assert run.go_on(2) == EXIT_WAITING
        assert run.sets() == [query_set_name(0)]
        assert run.stages() == [["train", "fit", "score"]]
        assert run.status(capsys) == ("waits for people", 0, 2, "annotate")
    kept = [name for name in ended if not name.endswith(("manifest.json", "annotation.parquet", "oracle.json"))]
    assert {name: run.digests()[name] for name in kept} == {name: ended[name] for name in kept}

    run.answer()
    assert run.go_on(2) == 0
    assert run.stages() == [list(STAGES)] * 2
    asked, answers = run.table(0, "query"), run.table(0, "annotation")
    assert answers.select(["image_id", "top", "left"]).equals(asked.select(["image_id", "top", "left"]))
    assert run.table(1, "annotation").schema.equals(answers.schema)
    assert (run.sets(), run.table(1, "annotation").num_rows) == ([query_set_name(0)], 0)


def test_a_last_query_that_was_handed_out_stays_asked(run, capsys):
    """As that of a run which an earlier version began, or of which `iterations` was lowered."""
    assert run.go_on(2) == EXIT_WAITING
    assert run.go_on(1) == EXIT_WAITING
    assert "iterations=2" in capsys.readouterr().err
    run.answer()
    assert run.go_on(1) == 0
    assert "6 answers" in capsys.readouterr().out
    assert run.table(0, "annotation").num_rows == 6
    ended = run.digests()
    assert run.go_on(2) == 0
    assert {name: run.digests()[name] for name in ended} == ended
    assert run.sets() == [query_set_name(0)]
