"""People answer one-click segments: somebody who knows the truth makes the simulated annotator's run."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from asked_run import BOX, asked_run
from fastapi.testclient import TestClient
from http_person import answer_all as answer_over_http
from simulated_person import answer_all, config_text, truth_of, write_images

from raymeta.annotation.segment_answers import SEGMENT_ANSWER_FIELDS, answer_segment, point_mask
from raymeta.config import load_config
from raymeta.datasets.registry import open_dataset
from raymeta.errors import WaitingForPeople
from raymeta.exchange import load_manifest
from raymeta.labels.answer_files import AnswerRecord, encode_labels, labels_sha256, now
from raymeta.labels.answer_imports import import_answers
from raymeta.labels.label_store import LabelStore
from raymeta.labels.ledger import MODEL_KINDS, ledger
from raymeta.labels.task_exports import export_open_tasks
from raymeta.labels.task_states import OPEN
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_workers
from raymeta.runs.run_store import RunStore
from raymeta.schemas import ANNOTATION_SCHEMA, QUERY_SCHEMA, SEGMENT_FIELDS
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings

OVERRIDES = ["acquisition.strategy=segments", "acquisition.query_size=12"]


def start(folder, labelled, oracle, *overrides):
    write_images(folder / "data", labelled=labelled)
    (folder / "config.yaml").write_text(config_text(folder / "data", folder / "run", oracle))
    return load_config(folder / "config.yaml", [*OVERRIDES, *overrides])


def answer_open_tasks(config):
    """Every open task, as the simulated annotator would: a label map of its region, 255 outside of the answer."""
    labels = LabelStore(RunStore(config.run_dir))
    for name in labels.sets.names():
        for task in [state.task for state in labels.states(name) if state.name in OPEN]:
            events = None
            truth = truth_of(task.image_id.rpartition("/")[2])
            seen = truth[task.top : task.top + task.height, task.left : task.left + task.width]
            if task.segment_mask is not None:
                acquisition = config.acquisition
                told = answer_segment(
                    seen, task.segment_mask, task.predicted_class, acquisition.segments, acquisition.point_width
                )
                seen = np.where(told.labelled, 255 if told.class_id is None else told.class_id, 255).astype(np.uint8)
                events = {"mixed": 1} if told.origin in ("point", "mixed") else {"class": 1}
            digest = labels_sha256(seen)
            record = AnswerRecord(
                id=f"{digest[:20]}{task.rank}",
                task_id=task.id,
                time=now(),
                who="ann",
                labels_sha256=digest,
                png=encode_labels(seen),
                events=events,
            )
            labels.answers.add(task, record)


@pytest.mark.parametrize(
    ("mixed", "more"),
    [
        ("point", []),
        ("point", ["acquisition.segments.purity=1", "acquisition.point_width=8"]),  # points label whole parts
        ("skip", ["acquisition.strategy=superpixels", "acquisition.superpixels.width=4"]),
    ],
)
def test_a_person_who_knows_the_truth_makes_the_run_of_the_simulated_annotator(tmp_path, mixed, more):
    compare_with_simulated(tmp_path, mixed, lambda config, turn: answer_open_tasks(config), *more)


@pytest.mark.parametrize(
    "variants",
    [
        ["labelme", "label-studio", "cvat runs"],
        pytest.param(["coco packed runs", "cityscapes", "supervisely"], marks=pytest.mark.long),
        pytest.param(["cvat-masks", "x-anylabeling", "darwin"], marks=pytest.mark.long),
    ],
    ids=lambda variants: variants[-1],
)
def test_files_of_tools_make_it_too(tmp_path, variants):
    """Images, and the segments of two queries, each drawn with another tool."""

    def through_files(config, turn):
        answer_all(Path(config.run_dir), tmp_path / f"turn{turn}", variants[turn])

    compare_with_simulated(tmp_path, "point", through_files)


@pytest.mark.parametrize("strategy", ["segments", "superpixels"])
def test_the_routes_of_the_page_make_it_too(tmp_path, strategy):
    def over_http(config, turn):
        settings = ServiceSettings(config.run_dir, threads=1, access_log="/dev/null", local_person=True)
        with TestClient(create_app(settings, LocalBackend(settings)), base_url="http://127.0.0.1:8000") as client:
            answer_over_http(client)

    compare_with_simulated(tmp_path, "point", over_http, f"acquisition.strategy={strategy}")


def compare_with_simulated(tmp_path, mixed, answer, *more):
    """Two runs: the simulated annotator's, and one whose open tasks `answer(config, turn)` answers, three times."""
    choice = f"acquisition.segments.mixed={mixed}"
    simulated = start(tmp_path / "simulated", True, "{kind: simulated, clicks: region}", choice, *more)
    run_experiment(simulated, local_workers)
    people = start(tmp_path / "people", False, "{kind: people}", choice, *more)
    for turn in range(3):
        with pytest.raises(WaitingForPeople):
            run_experiment(people, local_workers)
        answer(people, turn)
    run_experiment(people, local_workers)
    for index in range(2):
        ours, theirs = (f"{config.run_dir}/iterations/{index:03d}" for config in (people, simulated))
        asked = [*QUERY_SCHEMA.names, *(field.name for field in SEGMENT_FIELDS)]
        queries = [pq.read_table(f"{folder}/query.parquet").select(asked) for folder in (ours, theirs)]
        assert queries[0].equals(queries[1])
        names = [*ANNOTATION_SCHEMA.names, *(field.name for field in SEGMENT_ANSWER_FIELDS)]
        answers = [pq.read_table(f"{folder}/annotation.parquet").select(names) for folder in (ours, theirs)]
        assert answers[0].equals(answers[1])
    table = ledger(RunStore(people.run_dir), LabelStore(RunStore(people.run_dir)))
    counted = [sum(row[kind] or 0 for kind in MODEL_KINDS) for row in table.to_pylist() if not row["whole"]]
    assert counted == [1] * 24, "one click a segment"
    known = [LabelStore(RunStore(config.run_dir)).current() for config in (people, simulated)]
    assert known[0].regions == known[1].regions
    datasets = [open_dataset(config.dataset) for config in (people, simulated)]
    for image_id in datasets[0].pool_ids():
        size = datasets[0].size(image_id)
        ours, theirs = (
            each.of(image_id).read(image_id, size, data) for each, data in zip(known, datasets, strict=True)
        )
        np.testing.assert_array_equal(ours, theirs)
    tasks = LabelStore(RunStore(people.run_dir)).sets.tasks("query-000")
    assert all(task.segment_mask.any() and task.predicted_class is not None for task in tasks)


def answered_in_cvat(store, folder, named):
    """What an import of CVAT's file says, whose shape of the only segment is gone; named: a point says sky."""
    labels = LabelStore(store)
    export_open_tasks(store, labels, labels.sets.names(), "cvat", folder)
    [path] = folder.glob("*.xml")
    tree = ElementTree.parse(path)
    [image] = tree.iter("image")
    for shape in list(image):
        image.remove(shape)
    if named:
        [task] = load_manifest(folder).tasks
        place = f"{28 - task.crop.left},{12 - task.crop.top}"
        ElementTree.SubElement(image, "points", label="sky", points=place, occluded="0", z_order="0")
    tree.write(path)
    return import_answers(store, labels, folder, who="ann")


@pytest.mark.parametrize("named", [False, True])
def test_a_shape_that_is_gone_from_cvat_says_nothing_unless_a_point_does(tmp_path, named):
    """CVAT's files don't tell a deleted shape from one that was never loaded, but somebody set the point."""
    mask = np.zeros((BOX, BOX), np.bool_)
    mask[1:7, 2:8] = True
    store = asked_run(tmp_path, [("im0", 8, 24)], segments={1: (mask, 1)})
    summary = answered_in_cvat(store, tmp_path / "out", named)
    assert (summary.added, summary.untouched) == ((1, 0) if named else (0, 1)), summary.messages
    if named:
        [state] = LabelStore(store).states("query-000")
        np.testing.assert_array_equal(state.accepted.labels(), np.where(point_mask(mask, 3), 2, 255))


@pytest.mark.parametrize("asked", ["segments", "superpixels"])
def test_late_answers_are_called_by_what_is_asked(tmp_path, asked):
    part = {1: (np.ones((BOX, BOX), np.bool_), 1)}
    store = asked_run(tmp_path, [("im0", 8, 24)], segments=part, parts=asked)
    folder = store.iteration(0)
    folder.write_table("annotation.parquet", pa.table({"rank": [1]}))
    for stage, names in (("train", []), ("fit", []), ("score", []), ("annotate", ["annotation.parquet"])):
        folder.commit(stage, names)
    summary = answered_in_cvat(store, tmp_path / "out", named=True)
    assert any(f"1 {asked} of query-000" in message for message in summary.messages), summary.messages
