"""Points: a query whose answers are the class at one pixel, each for one click."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from experiment_runner import queries, summaries
from one_click_runs import POINTS, assert_goes_on_the_same, clicks_of_pool, finished_run
from tiny_settings import tiny_values

from raymeta.acquisition.pool_scoring import SCORED_SCHEMA
from raymeta.annotation.oracle import Oracle
from raymeta.config import ConfigError, load_config, parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.labels.annotator import TaskSet, Ticket
from raymeta.labels.label_store import LabelStore
from raymeta.labels.simulated_annotator import ONE_POINT, SimulatedAnnotator
from raymeta.loop.query_choice import query_table
from raymeta.runs.run_store import RunStore

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory, scenes):
    return finished_run(tmp_path_factory.mktemp("points"), scenes, POINTS)


def test_a_point_is_one_click_and_labels_the_square_around_it(finished):
    first, second = (pq.read_table(finished.run_dir / f"iterations/{i:03d}/annotation.parquet") for i in range(2))
    assert (first.num_rows, second.num_rows) == (30, 60)
    assert set(first["width"].to_pylist()) == {3}
    assert first["prompt_clicks"].to_pylist() == [1] * 30
    for name in ("polygon_clicks", "intersection_clicks", "box_clicks", "class_clicks"):
        assert not any(first[name].to_pylist())
    costs = [summary["cost_a"] for summary in summaries(finished.run_dir)]
    assert costs[1] - costs[0] == pytest.approx(100 * 30 / clicks_of_pool(finished.run_dir))


class WithoutOutlines:
    """A data set whose outlines nobody may count; the labels of one image are lost."""

    def __init__(self, dataset, lost):
        self._dataset, self._lost = dataset, lost
        self.num_classes, self.has_polygons = dataset.num_classes, True

    def label_map(self, image_id):
        if image_id == self._lost:
            raise OSError("gone")
        return self._dataset.label_map(image_id)

    def polygons(self, image_id):
        raise AssertionError(f"{image_id}: outlines were counted")


def test_the_simulated_annotator_counts_no_outlines_of_points(finished):
    store = RunStore(str(finished.run_dir))
    config = load_config(finished.run_dir / "config.yaml")
    dataset = open_dataset(config.dataset, config.seed)
    query = store.iteration(0).read_table("query.parquet")
    lost = query["image_id"][0].as_py()
    told = []
    annotator = SimulatedAnnotator(config, store, WithoutOutlines(dataset, lost), told.append)
    answers = annotator.collect(Ticket(TaskSet.of_query(0, query)))
    rows = [row | ONE_POINT for row in Oracle(dataset, config.acquisition.epsilon).answer(query).to_pylist()]
    assert answers.effort.to_pylist() == [row for row in rows if row["image_id"] != lost]
    assert answers.faults == {lost: "gone"}
    assert sum(told) == query.num_rows


def test_training_reads_the_class_at_the_middle_alone(finished):
    store = RunStore(str(finished.run_dir))
    config = load_config(finished.run_dir / "config.yaml")
    dataset = open_dataset(config.dataset, config.seed)
    known = LabelStore(store).known_labels(1)
    image_id, boxes = next(iter(known.regions.boxes.items()))
    truth = dataset.label_map(image_id)
    labels = known.of(image_id).read(image_id, truth.shape, dataset)
    asked = np.zeros(truth.shape, bool)
    for box in boxes:
        asked[box.slices] = True
        assert (labels[box.slices] == truth[box.top + 1, box.left + 1]).all()
    assert (labels[~asked] == 255).all()


def test_points_keep_the_distance_of_a_box(finished):
    """Within a query their boxes of 8 pixels don't overlap."""
    for query in queries(finished.run_dir):
        places = {}
        for row in query:
            for top, left in places.setdefault(row["image_id"], []):
                assert max(abs(top - row["top"]), abs(left - row["left"])) >= 8
            places[row["image_id"]].append((row["top"], row["left"]))


def test_a_run_that_starts_again_asks_for_the_same_points(runner, finished):
    assert_goes_on_the_same(runner, finished, POINTS)


def test_the_square_lies_in_the_middle_of_its_box():
    """A box of 8 at (10, 20) with 3 asked: rows 12 to 14; of 5 with 2 asked: from 11."""
    row = {"image_id": "a", "top": 10, "left": 20, "score": 1.0, "estimated_clicks": 0, "unlabelled_pixels": 64}
    rows = pa.Table.from_pylist([row], schema=SCORED_SCHEMA)
    for box, asked, expected in ((8, 3, (12, 22, 3)), (5, 2, (11, 21, 2)), (8, None, (10, 20, 8))):
        found = query_table(rows, box, asked).to_pylist()[0]
        assert (found["top"], found["left"], found["width"]) == expected


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"point_width": 9, "box_width": 8}, "point_width"),
        ({"strategy": "metabox_plus"}, "cost"),
        ({"strategy": "random_box", "match_cost_of": "other"}, "match_cost_of"),
        ({"strategy": "metabox", "meta_images": 0}, "meta_images"),
    ],
)
def test_what_points_can_not_be_is_refused(values, named, tmp_path):
    settings = tiny_values(tmp_path, str(tmp_path / "run"))
    settings["acquisition"] = {"strategy": "random_box", "unit": "point", "box_width": 16, **values}
    with pytest.raises(ConfigError, match=named):
        parse_config(settings)


def test_check_prices_points_as_clicks(finished, tmp_path):
    """14 images of 64 by 96: 1,000 squares of 9 pixels are a tenth of them."""
    unbounded = (*POINTS, "acquisition.query_clicks=null", f"run_dir={tmp_path / 'other'}")
    told = finished.raymeta("check", str(finished.config), *unbounded).stdout
    assert f"{100 * 1000 * 9 / (14 * 64 * 96):.2f} %" in told
    assert "at most 1000 of" in told
