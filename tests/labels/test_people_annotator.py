"""When a set is done, what is handed out for good, and which iteration a corrected label reaches."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from simulated_person import config_text, truth_of, write_images

from raymeta.annotation.clicks import count_region_clicks
from raymeta.config import ConfigError, load_config
from raymeta.datasets.registry import open_dataset
from raymeta.labels.annotator import TaskSet
from raymeta.labels.answer_files import AnswerRecord, encode_labels, labels_sha256, now
from raymeta.labels.people_annotator import PeopleAnnotator, whole_image_sets
from raymeta.loop.experiment_split import experiment_split
from raymeta.loop.people import label_store
from raymeta.loop.waiting import wait_for_answers
from raymeta.runs.input_key import labels_key
from raymeta.runs.run_store import RunStore
from raymeta.runs.sealed_table import open_sealed, seal
from raymeta.schemas import QUERY_SCHEMA, WHOLE_IMAGE_CLICKS_SCHEMA

BOXES = [("im3", 8, 16), ("im3", 0, 0), ("im5", 40, 56)]


class Run:
    """A run of people that was begun, and nothing else; no network is needed."""

    def __init__(self, folder, *overrides):
        write_images(folder / "data", labelled=False)
        (folder / "config.yaml").write_text(config_text(folder / "data", folder / "run", "{kind: people}"))
        self.config = load_config(folder / "config.yaml", list(overrides))
        self.dataset = open_dataset(self.config.dataset)
        self.store = RunStore(self.config.run_dir)
        self.store.create(self.config)
        self.split = experiment_split(self.config, self.dataset)
        self.store.write_split(self.split.to_table())
        self.labels = label_store(self.config, self.store)
        self.annotator = PeopleAnnotator(self.config, self.store.location, self.dataset, self.labels)

    def answer(self, name, rank, shift=0, who="ann"):
        task = self.labels.sets.tasks(name)[rank - 1]
        truth = truth_of(task.image_id.rpartition("/")[2])
        labels = truth[task.top : task.top + task.height, task.left : task.left + task.width]
        labels = np.where(labels == 255, labels, (labels + shift) % 3).astype(np.uint8)
        digest = labels_sha256(labels)
        record = AnswerRecord(
            id=f"{digest[:20]}{who}",
            task_id=task.id,
            time=now(),
            who=who,
            labels_sha256=digest,
            png=encode_labels(labels),
        )
        self.labels.answers.add(task, record)
        return labels


def query(boxes=BOXES):
    rows = [
        {"image_id": i, "top": top, "left": left, "width": 8, "score": 1.0, "rank": rank, "estimated_clicks": 3}
        | {"unlabelled_pixels": 64}
        for rank, (i, top, left) in enumerate(boxes, start=1)
    ]
    return pa.Table.from_pylist(rows, schema=QUERY_SCHEMA)


def ask_query(run, boxes=BOXES):
    return run.annotator.ask(TaskSet.of_query(0, query(boxes)))


def answer_whole_images(run):
    for tasks in whole_image_sets(run.split, run.dataset.has_labels):
        run.annotator.ask(tasks)
        for rank in range(1, len(tasks.images) + 1):
            run.answer(tasks.name, rank)


def test_a_set_is_done_when_all_of_it_is_answered(tmp_path):
    run = Run(tmp_path)
    ticket = ask_query(run)
    for rank in (1, 2, 3):
        assert run.annotator.collect(ticket) is None
        assert f"{4 - rank} of 3 boxes" in run.annotator.wanted(ticket)
        labels = run.answer("query-000", rank)
    rows = run.annotator.collect(ticket).effort.to_pylist()
    assert [(row["image_id"], row["top"], row["left"], row["width"], row["rank"]) for row in rows] == [
        (*box, 8, rank) for rank, box in enumerate(BOXES, start=1)
    ]
    clicks = count_region_clicks(labels, 1.0)
    kinds = ("polygon_clicks", "intersection_clicks", "box_clicks", "class_clicks")
    assert tuple(rows[2][kind] for kind in kinds) == tuple(clicks)
    assert rows[0]["human_polygon"] is rows[0]["active_seconds"] is None  # nobody knows
    assert rows[0]["who"] == "ann"


def test_of_several_runs_the_first_that_can_go_on_ends_the_wait(tmp_path):
    first, second = Run(tmp_path / "first"), Run(tmp_path / "second")
    for run in (first, second):
        run.annotator.ask(TaskSet("initial", ("im1",)))
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            second.answer("initial", 1)

    wait_for_answers([first.config, second.config], print, sleep, max_pause_s=8.0)
    assert pauses == [5.0, 8.0, 8.0]


def test_a_run_goes_on_at_a_share_and_the_rest_is_withdrawn_until_somebody_answers_after_all(tmp_path):
    run = Run(tmp_path, "oracle.go_on_at=0.6")
    ticket = ask_query(run)
    run.answer("query-000", 3)
    assert run.annotator.collect(ticket) is None
    run.answer("query-000", 1)
    assert run.annotator.collect(ticket).effort["rank"].to_pylist() == [1, 3]
    assert [state.name for state in run.labels.states("query-000")] == ["accepted", "withdrawn", "accepted"]
    run.answer("query-000", 2)
    assert {state.name for state in run.labels.states("query-000")} == {"accepted"}


def test_a_query_that_was_handed_out_stays(tmp_path):
    run = Run(tmp_path)
    assert run.annotator.asked(0) is None
    ask_query(run)
    other = ask_query(run, [("im7", 0, 0)])
    assert other.tasks.boxes.equals(query())
    assert run.annotator.asked(0).equals(query())


def test_whole_images_are_counted_as_their_label_maps(tmp_path):
    run = Run(tmp_path)
    tasks = next(iter(whole_image_sets(run.split, run.dataset.has_labels)))
    ticket = run.annotator.ask(tasks)
    for rank in range(1, len(tasks.images) + 1):
        run.answer(tasks.name, rank)
    effort = run.annotator.collect(ticket).effort
    assert effort.schema.equals(WHOLE_IMAGE_CLICKS_SCHEMA)
    assert effort["image_id"].to_pylist() == list(tasks.images)
    assert effort["pixels"].to_pylist() == [48 * 64] * len(tasks.images)
    assert min(effort["polygon_clicks"].to_pylist()) > 4


def test_who_waits_is_told_how_long_nobody_has_answered(tmp_path):
    run = Run(tmp_path)
    answer_whole_images(run)
    said = []

    def answers(seconds):
        if said:
            for rank in (1, 2, 3):
                run.answer("query-000", rank)

    ask_query(run)
    wait_for_answers([run.config], said.append, answers, max_pause_s=1000.0)
    assert len(said) == 1
    assert said[0].startswith("no answer for 0 min; ")


def test_a_corrected_label_reaches_the_next_iteration_and_never_one_that_began(tmp_path):
    run = Run(tmp_path)
    answer_whole_images(run)
    image_id = run.split.initial[0]
    first = run.labels.known_labels(0).of(image_id).read(image_id, (48, 64), run.dataset)
    np.testing.assert_array_equal(first, truth_of(image_id))
    table, key = run.labels.keep_snapshot(0), labels_key(run.labels.known_labels(0))
    corrected = run.answer("initial", 1, shift=1)
    for _ in range(2):  # as its training goes on, and once it is committed
        known = label_store(run.config, run.store).known_labels(0)
        assert labels_key(known) == key
        np.testing.assert_array_equal(known.of(image_id).read(image_id, (48, 64), run.dataset), first)
        folder = run.store.iteration(0)
        folder.write_table("labels.parquet", table)
        folder.commit("train", ["labels.parquet"])
        folder.delete_scratch_files()
    later = label_store(run.config, run.store).known_labels(1)
    assert labels_key(later) != key
    np.testing.assert_array_equal(later.of(image_id).read(image_id, (48, 64), run.dataset), corrected)
    assert label_store(run.config, run.store).corrected(1) == {"initial": 1}
    assert not label_store(run.config, run.store).corrected(0)


def test_nothing_of_the_pool_is_known_but_what_was_answered(tmp_path):
    run = Run(tmp_path)
    answer_whole_images(run)
    ask_query(run)
    run.answer("query-000", 1)
    known = run.labels.known_labels(1)
    labels = known.of("im3").read("im3", (48, 64), run.dataset)
    assert (labels[8:16, 16:24] == truth_of("im3")[8:16, 16:24]).all()
    labels[8:16, 16:24] = 255
    assert (labels == 255).all()
    assert known.regions.images == set(run.split.initial)
    assert known.reference == {*run.split.meta, *run.split.validation}


@pytest.mark.parametrize("override", ["acquisition.strategy=metabox_plus_star", "acquisition.strategy=full_set"])
def test_what_needs_ground_truth_is_refused(tmp_path, override):
    with pytest.raises(ConfigError, match="nobody has"):
        Run(tmp_path, override)


def test_a_damaged_set_is_told(tmp_path):
    run = Run(tmp_path)
    ask_query(run)
    path = next((tmp_path / "run/labels/sets").rglob("*.parquet"))
    pq.read_table(path)
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ValueError, match="damaged"):
        label_store(run.config, run.store).states("query-000")


def test_points_are_sealed_as_such_and_cost_one_click_each(tmp_path):
    point = ("acquisition.unit=point", "acquisition.strategy=metabox", "acquisition.point_width=8")
    run = Run(tmp_path, *point)
    ticket = ask_query(run)
    assert "3 of 3 points" in run.annotator.wanted(ticket)
    assert [task.point for task in run.labels.sets.tasks("query-000")] == [True] * 3
    run.annotator.ask(TaskSet("initial", ("im1",)))
    assert not run.labels.sets.tasks("initial")[0].point
    for rank in (1, 2, 3):
        run.answer("query-000", rank)
    effort = run.annotator.collect(ticket).effort
    assert effort["prompt_clicks"].to_pylist() == [1] * 3
    assert effort["polygon_clicks"].to_pylist() == [0] * 3


def test_a_set_from_before_there_were_points_asks_for_boxes(tmp_path):
    run = Run(tmp_path)
    ask_query(run)
    path = tmp_path / "run" / "labels" / "sets" / "query-000" / "tasks.parquet"
    table = open_sealed(path.read_bytes())
    path.write_bytes(seal(table.drop_columns(["point"])))
    assert [task.point for task in label_store(run.config, run.store).sets.tasks("query-000")] == [False] * 3
