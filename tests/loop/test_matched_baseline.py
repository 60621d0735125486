"""Random boxes with the cost of a finished run."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from raymeta.annotation.cost_models import COST_A

pytestmark = pytest.mark.slow


def spent(run_dir):
    return np.cumsum(
        [COST_A.box_costs(pq.read_table(path)).sum() for path in sorted(run_dir.glob("iterations/*/annot*.parquet"))]
    )


def test_a_matched_run_costs_what_its_reference_did_and_resumes_with_the_same_query(runner, undisturbed):
    overrides = ["acquisition.strategy=random_box", f"acquisition.match_cost_of={undisturbed.run_dir}"]
    runner.loop(*overrides)
    dearest = max(
        COST_A.box_costs(pq.read_table(path)).max() for path in runner.run_dir.glob("iterations/*/annot*.parquet")
    )
    assert np.abs(spent(runner.run_dir) - spent(undisturbed.run_dir)).max() <= dearest
    told = json.loads((runner.run_dir / "iterations/001/score.json").read_text())["matched"]
    assert told["reached"]
    assert told["strategy"] == "metabox_plus"
    assert told["clicks_taken"] == spent(runner.run_dir)[1] - spent(runner.run_dir)[0]
    path = runner.run_dir / "iterations/001/query.parquet"
    query = pq.read_table(path)
    path.unlink()
    runner.loop(*overrides)
    assert pq.read_table(path).equals(query)
