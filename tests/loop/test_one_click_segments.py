"""One-click segments through a run: parts of predicted segments to confirm or to fix."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from experiment_runner import summaries
from one_click_runs import (
    SEGMENTS,
    assert_goes_on_the_same,
    assert_trained_on_answers_alone,
    clicks_of_pool,
    finished_run,
    origins,
)
from tiny_settings import tiny_values

from raymeta.annotation.cost_models import COST_A
from raymeta.annotation.segment_answers import ONE_CLICK_COLUMNS
from raymeta.boxes import Box
from raymeta.config import ConfigError, load_config, parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.labels.annotator import TaskSet, Ticket
from raymeta.labels.label_store import LabelStore
from raymeta.labels.simulated_annotator import SimulatedAnnotator
from raymeta.runs.run_store import RunStore

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory, scenes):
    return finished_run(tmp_path_factory.mktemp("segments"), scenes, SEGMENTS)


def table(run_dir, index, name):
    return pq.read_table(run_dir / f"iterations/{index:03d}/{name}.parquet")


def test_an_answer_is_one_click(finished):
    for index, count in ((0, 30), (1, 60)):
        query, answers = table(finished.run_dir, index, "query"), table(finished.run_dir, index, "annotation")
        assert query.num_rows == answers.num_rows == count
        rows = answers.to_pylist()
        assert {sum(row[name] for name in ONE_CLICK_COLUMNS) for row in rows} == {1}
        assert all(row["confirm_clicks"] == (row["origin"] == "confirmed") for row in rows)
        assert not any(row["polygon_clicks"] + row["box_clicks"] + row["class_clicks"] for row in rows)
    costs = [summary["cost_a"] for summary in summaries(finished.run_dir)]
    assert costs[1] - costs[0] == pytest.approx(100 * 30 / clicks_of_pool(finished.run_dir))


def test_training_reads_the_answered_class_on_the_mask_alone(finished):
    assert_trained_on_answers_alone(finished, point_width=3)
    assert origins(finished) >= {"confirmed", "fixed", "point"}


def test_mixed_parts_become_boxes_where_the_config_says_so(runner, finished):
    runner.loop(*SEGMENTS, "acquisition.segments.mixed=box", "acquisition.segments.purity=1", "iterations=2")
    rows = table(runner.run_dir, 0, "annotation").to_pylist()
    drawn = [row for row in rows if row["origin"] == "drawn"]
    assert drawn
    spent = [COST_A.box_costs(table(runner.run_dir, index, "annotation")).sum() for index in range(2)]
    assert len(rows) < 30  # outlines are expected
    assert sum(spent) < 2 * (30 + 60)
    assert all(row["class_clicks"] > 0 and row["reclass_clicks"] == 1 for row in drawn)
    assert all(row["class_clicks"] == 0 for row in rows if row["origin"] != "drawn")
    store = RunStore(str(runner.run_dir))
    config = load_config(runner.run_dir / "config.yaml")
    dataset = open_dataset(config.dataset, config.seed)
    known = LabelStore(store).known_labels(1)
    for row in drawn:
        truth = dataset.label_map(row["image_id"])
        tile = Box(row["top"], row["left"], row["width"]).slices
        labels = known.of(row["image_id"]).read(row["image_id"], truth.shape, dataset)[tile]
        clear = truth[tile] != 255
        np.testing.assert_array_equal(labels[clear], truth[tile][clear])


def test_a_run_that_starts_again_asks_for_the_same_segments(runner, finished):
    assert_goes_on_the_same(runner, finished, SEGMENTS)


class Dying:
    """A data set whose process dies when it is asked for the labels of a third image."""

    def __init__(self, dataset):
        self._dataset, self._asked = dataset, set()
        self.num_classes, self.has_polygons = dataset.num_classes, dataset.has_polygons
        self.polygons = dataset.polygons

    def label_map(self, image_id):
        self._asked.add(image_id)
        if len(self._asked) > 2:
            raise KeyboardInterrupt
        return self._dataset.label_map(image_id)


@pytest.mark.parametrize("mixed", ["skip", "point", "box"])
def test_answers_go_on_where_they_were_interrupted(finished, mixed):
    """The second process asks only for what the first one left, and masks come back from what was kept."""
    store = RunStore(str(finished.run_dir))
    config = load_config(
        finished.run_dir / "config.yaml", [f"acquisition.segments.mixed={mixed}", "acquisition.segments.purity=0.95"]
    )
    dataset = open_dataset(config.dataset, config.seed)
    ticket = Ticket(TaskSet.of_query(0, store.iteration(0).read_table("query.parquet")))
    with pytest.raises(KeyboardInterrupt):
        SimulatedAnnotator(config, store, Dying(dataset), lambda count: None).collect(ticket)
    told = []
    effort = SimulatedAnnotator(config, store, dataset, told.append).collect(ticket).effort
    assert told[0] > 0
    assert sum(told) == effort.num_rows == 30
    store.iteration(0).delete_scratch_files()
    whole = SimulatedAnnotator(config, store, dataset, lambda count: None).collect(ticket).effort
    store.iteration(0).delete_scratch_files()
    assert effort.equals(whole)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"segments": {"min_pixels": 257}}, "min_pixels"),
        ({"strategy": "metabox_plus"}, "cost"),
        ({"cost": "learned"}, "set cost: none"),
        ({"strategy": "random_box", "match_cost_of": "other"}, "match_cost_of"),
        ({"strategy": "metabox", "meta_images": 0}, "meta_images"),
    ],
)
def test_what_segments_can_not_be_is_refused(values, named, tmp_path):
    settings = tiny_values(tmp_path, str(tmp_path / "run"))
    settings["acquisition"] = {"strategy": "random_box", "unit": "segment", "box_width": 16, **values}
    with pytest.raises(ConfigError, match=named):
        parse_config(settings)
