"""A simulated person works through real files, and the run equals that of the simulated annotator."""

import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from simulated_person import VARIANTS, answer_all, config_text, truth_of, write_images

from raymeta.annotation.known_labels import KnownLabels
from raymeta.cli import main
from raymeta.cli.task_options import open_labels
from raymeta.config import load_config
from raymeta.datasets.registry import open_dataset
from raymeta.errors import EXIT_WAITING, WaitingForPeople
from raymeta.labels.annotator import INITIAL, META, VALIDATION, TaskSet, Ticket
from raymeta.labels.people_annotator import PeopleAnnotator
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_workers
from raymeta.runs.input_key import labels_key
from raymeta.schemas import ANNOTATION_SCHEMA, QUERY_SCHEMA

pytestmark = pytest.mark.slow

PEOPLE = "{kind: people}"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A finished run of the simulated annotator, which counts clicks as people's answers let them be counted."""
    folder = tmp_path_factory.mktemp("simulated")
    write_images(folder / "data", labelled=True)
    return run(folder, folder / "data", "{kind: simulated, clicks: region}")


def run(folder, data, oracle):
    path = folder / "config.yaml"
    path.write_text(config_text(data, folder / "run", oracle))
    run_experiment(load_config(path), local_workers)
    return folder / "run"


MIXED = [["cvat", "label-studio brush", "darwin"], ["supervisely"], ["labelme"]]
"""Who draws what: L0, M and validation each with another tool, and each query."""


@pytest.mark.parametrize(
    "tools",
    [
        MIXED,
        *(pytest.param([[name]] * 3, marks=pytest.mark.long) for name in VARIANTS),
    ],
    ids=lambda tools: tools[0][0] if len(tools[0]) == 1 else "mixed",
)
def test_a_person_who_knows_the_truth_makes_the_run_of_the_simulated_annotator(tmp_path, simulated, tools, capsys):
    write_images(tmp_path / "data", labelled=False)
    for turn, names in enumerate(tools):
        with pytest.raises(WaitingForPeople):
            run(tmp_path, tmp_path / "data", PEOPLE)
        for number, (name, only) in enumerate(zip(names, [INITIAL, META, VALIDATION], strict=False)):
            sets = ["--set", only] if len(names) > 1 else []
            answer_all(tmp_path / "run", tmp_path / f"turn{turn}_{number}", name, *sets)
    capsys.readouterr()
    people = run(tmp_path, tmp_path / "data", PEOPLE)
    answers = pq.read_table(people / "iterations/001/annotation.parquet").num_rows
    for _ in range(2):  # once it ends, and whenever it is called again
        told = capsys.readouterr().out
        assert f"{answers} answers to the last query" in told
        assert "iterations=3" in told
        run(tmp_path, tmp_path / "data", PEOPLE)
    check_iterations(people, simulated)
    check_labels(people, simulated)


def check_iterations(people, simulated):
    """Queries, model clicks and networks are the same, bit for bit."""
    for index in range(2):
        ours, theirs = (folder / f"iterations/{index:03d}" for folder in (people, simulated))
        queries = [pq.read_table(folder / "query.parquet").select(QUERY_SCHEMA.names) for folder in (ours, theirs)]
        assert queries[0].equals(queries[1])
        answers = pq.read_table(ours / "annotation.parquet")
        assert answers.select(ANNOTATION_SCHEMA.names).equals(pq.read_table(theirs / "annotation.parquet"))
        assert set(answers["who"].to_pylist()) == {"ann"}
        networks = [torch.load(folder / "network.pt", weights_only=True) for folder in (ours, theirs)]
        assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[1])


@pytest.fixture(scope="module")
def waits(tmp_path_factory):
    """A run of people as it waits: for whole images, and for each of its queries; and as it is when it ends."""
    folder = tmp_path_factory.mktemp("waits")
    write_images(folder / "data", labelled=False)
    for turn in range(3):
        with pytest.raises(WaitingForPeople):
            run(folder, folder / "data", PEOPLE)
        shutil.copytree(folder / "run", folder / f"wait{turn}")
        answer_all(folder / "run", folder / f"turn{turn}", "labelme")
    run(folder, folder / "data", PEOPLE)
    return folder


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_files_of_every_tool_make_the_same_labels_and_clicks(tmp_path, waits, simulated, variant):
    """Each turn starts where the run waited: what training reads and the model's clicks are the simulated run's."""
    for turn in range(3):
        folder = shutil.copytree(waits / f"wait{turn}", tmp_path / f"wait{turn}" / "run")
        answer_all(folder, tmp_path / f"turn{turn}", variant)
        store, labels = open_labels(str(folder))
        reference = open_labels(str(waits / "run"))[1]
        assert labels_key(labels.known_labels(turn)) == labels_key(reference.known_labels(turn))
        if turn:
            annotator = PeopleAnnotator(store.load_config(), store.location, open_dataset_of(store), labels)
            query = annotator.asked(turn - 1)
            effort = annotator.collect(Ticket(TaskSet.of_query(turn - 1, query))).effort
            truth = pq.read_table(simulated / f"iterations/{turn - 1:03d}/annotation.parquet")
            assert effort.select(ANNOTATION_SCHEMA.names).equals(truth)


def open_dataset_of(store):
    config = store.load_config()
    return open_dataset(config.dataset, config.seed)


def check_labels(people, simulated):
    """Every label that is known is the true one, and known to both runs."""
    dataset = open_dataset(load_config(people.parent / "config.yaml").dataset)
    truth = open_dataset(load_config(simulated.parent / "config.yaml").dataset)
    known: list[KnownLabels] = [open_labels(str(folder))[1].current() for folder in (people, simulated)]
    assert known[0].regions == known[1].regions
    for image_id in dataset.pool_ids():
        ours = known[0].of(image_id).read(image_id, dataset.size(image_id), dataset)
        theirs = known[1].of(image_id).read(image_id, dataset.size(image_id), truth)
        np.testing.assert_array_equal(ours, theirs)
        assert np.isin(ours[ours != 255], truth_of(image_id)).all()


def test_the_command_ends_with_code_3_and_says_what_is_to_be_done(tmp_path, capsys):
    write_images(tmp_path / "data", labelled=False)
    (tmp_path / "config.yaml").write_text(config_text(tmp_path / "data", tmp_path / "run", PEOPLE))
    assert main(["run", "--local", str(tmp_path / "config.yaml")]) == EXIT_WAITING
    said = capsys.readouterr().err
    assert all(text in said for text in ("initial", "meta", "validation", "export", "import"))
    assert main(["check", str(tmp_path / "config.yaml")]) == 0
    assert "people are asked" in capsys.readouterr().out


def test_half_labelled_images_are_given_or_asked(tmp_path, capsys):
    write_images(tmp_path / "full", labelled=True)
    shutil.copytree(tmp_path / "full", tmp_path / "half")
    for number in (1, 3, 5, 7, 9):
        (tmp_path / f"half/labels/train/im{number}.png").unlink()
    (tmp_path / "config.yaml").write_text(config_text(tmp_path / "half", tmp_path / "run", PEOPLE))
    assert main(["check", str(tmp_path / "config.yaml")]) == 0
    with pytest.raises(WaitingForPeople) as waiting:
        run(tmp_path, tmp_path / "half", PEOPLE)
    assert "query-000" in str(waiting.value)  # L0, M and validation are given: boxes are the first to be asked
    asked = pq.read_table(tmp_path / "run/iterations/000/query.parquet")["image_id"].to_pylist()
    assert set(asked) <= {f"im{number}" for number in (1, 3, 5, 7, 9)}
    capsys.readouterr()
    assert main(["check", str(tmp_path / "config.yaml"), "oracle.kind=simulated"]) == 2
    assert "im1" in capsys.readouterr().out
