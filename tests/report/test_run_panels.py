import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from scored_run import CLICKS_MAX, write_scored_run

from raymeta.acquisition.box_clicks import normalized_clicks
from raymeta.report import run_panels
from raymeta.report.aggregation_panels import box_factors
from raymeta.report.report_panels import report_panels
from raymeta.report.run_results import RunGroup, load_run
from raymeta.runs.run_store import RunStore
from raymeta.schemas import QUERY_SCHEMA

ROWS = [("c", 0, 1), ("a", 0, 2), ("b", 0, 3), ("b", 8, 4), ("a", 8, 5)]


def _query() -> pa.Table:
    base = {"left": 2, "width": 4, "score": 1.0, "estimated_clicks": 3, "unlabelled_pixels": 16}
    rows = [base | {"image_id": image_id, "top": top, "rank": rank} for image_id, top, rank in ROWS]
    return pa.Table.from_pylist(rows, schema=QUERY_SCHEMA)


def test_images_with_most_boxes_come_first_then_the_better_rank() -> None:
    assert run_panels.most_queried(_query(), 3) == ["a", "b", "c"]
    assert run_panels.most_queried(_query(), 1) == ["a"]
    assert run_panels.most_queried(QUERY_SCHEMA.empty_table(), 3) == []


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return write_scored_run(tmp_path_factory.mktemp("scored"))


def test_panels_are_pictures_of_the_images_with_most_boxes(run: RunStore) -> None:
    panels = run_panels.render_run_panels(run, 0, 2)
    assert [p.image_id for p in panels] == run_panels.most_queried(run.iteration(0).read_table("query.parquet"), 2)
    for shown in panels:
        assert shown.aggregation is not None
        maps, aggregation = (Image.open(io.BytesIO(png)) for png in (shown.png, shown.aggregation))
        assert maps.width > 1000
        # Three rows: predicted IoU, clicks, and the joint map with the boxes.
        assert aggregation.height / aggregation.width == pytest.approx(3 * (3.65 * 64 / 96 + 0.28) / 8, rel=0.02)


def test_the_factors_shown_are_those_whose_product_is_the_joint_score(run: RunStore) -> None:
    bundle = run_panels.read_bundle(run, 0)
    config = run.load_config()
    dataset = run_panels.open_existing(config.dataset, config.seed)
    scorer = run_panels.ImageScorer(config, dataset, bundle, run_panels.torch.device("cpu"))
    image_id = run.iteration(0).read_table("query.parquet")["image_id"][0].as_py()
    maps = scorer.score(image_id, keep_maps=True)[0].maps
    assert maps is not None
    labelled = bundle.regions.mask(image_id, 64, 96)
    factors = box_factors(maps, labelled, config.acquisition, bundle.clicks_max)
    assert list(factors) == ["metaseg", "clicks"]
    assert np.array_equal(factors["metaseg"] * factors["clicks"], maps["joint"])
    expected = normalized_clicks(maps["estimated_clicks"], 16, CLICKS_MAX, labelled)
    assert np.array_equal(factors["clicks"], expected)


def test_the_page_shows_one_aggregation_a_group_and_saves_all(run: RunStore, tmp_path: Path) -> None:
    saved: dict[str, bytes] = {}
    results = load_run(run.location)
    shown = report_panels(
        [RunGroup("mine", "metabox_plus", (results,))], lambda name, data: saved.setdefault(name, data) and name
    )
    assert shown.notes == ()
    images = min(3, len(set(run.iteration(0).read_table("query.parquet")["image_id"].to_pylist())))
    assert images > 1
    assert len(shown.maps) == images
    assert len(shown.aggregations) == 1
    assert len(saved) == 2 * images
    assert sum(name.endswith("_aggregation.png") for name in saved) == images


def test_without_its_network_a_run_has_no_panels_and_a_note(tmp_path: Path) -> None:
    store = write_scored_run(tmp_path)
    (tmp_path / "run/iterations/000/network.pt").unlink()
    shown = report_panels([RunGroup("mine", "metabox_plus", (load_run(store.location),))], lambda name, data: name)
    assert shown.maps == ()
    assert "none of mine" in shown.notes[0]
