from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from synthetic_runs import write_run

from raymeta.experiment import run_panels
from raymeta.experiment.report import write_report
from raymeta.experiment.run_store import RunStore
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


@pytest.fixture
def queried_run(tmp_path: Path) -> RunStore:
    store = write_run(tmp_path / "run", "metabox_plus", iterations=2)
    folder = store.iteration(1)
    folder.write_table("query.parquet", _query())
    folder.commit("score", ["images.parquet", "query.parquet"])
    folder.commit("annotate", ["annotation.parquet"])
    folder.commit("summary", ["summary.json"])
    return store


def test_panels_are_saved_and_shown(queried_run: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.zeros((16, 16, 3), dtype=np.uint8)
    dataset = SimpleNamespace(image=lambda _: image, palette=np.eye(3, dtype=np.uint8), class_names=("road",))
    maps: dict[str, Any] = {"segmentation": image[..., 0], "joint": np.ones((13, 13))}
    scorer = SimpleNamespace(score=lambda image_id, keep_maps: (SimpleNamespace(maps=maps), None))
    monkeypatch.setattr(run_panels, "open_existing", lambda *_: dataset)
    monkeypatch.setattr(run_panels, "read_bundle", lambda *_: None)
    monkeypatch.setattr(run_panels, "ImageScorer", lambda *_: scorer)
    page = Path(write_report([queried_run.location])).read_text()
    assert page.count("data:image/png;base64,") == 3
    saved = sorted(path.name for path in (tmp_path / "run" / "report" / "panels").iterdir())
    assert saved == ["001_a.png", "001_b.png", "001_c.png"]


def test_report_goes_on_without_the_data_set(queried_run: RunStore) -> None:
    page = Path(write_report([queried_run.location])).read_text()
    assert "no panels of metabox_plus: dataset.root /nowhere/camvid is not there" in page
    assert "miou over cost a" in page
