import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from synthetic_runs import make_config, write_run

from raymeta.report.figure_style import to_png
from raymeta.sweeps.plan import Trial
from raymeta.sweeps.results import best_measure, heat_map, print_trials, trial_rows, trials_csv, value_scatter


def make_trials(folder: Path, target: bool = True) -> list[Trial]:
    """Two box widths by two query sizes: the first three are finished, the last is not; widths differ in their mIoU."""
    if target:
        write_run(folder / "full", "full_set", iterations=1, final=1.0)  # 0.45
    trials = []
    for width, final in ((4, 0.6), (8, 0.5)):
        for size in (2, 3):
            name = f"box_width={width},query_size={size}"
            acquisition = make_config("x").acquisition.model_dump() | {"box_width": width, "query_size": size}
            values = {"acquisition": acquisition, "report": {"full_set_run": str(folder / "full")} if target else {}}
            iterations = 2 if (width, size) == (8, 3) else 5
            store = write_run(folder / "sweep" / name, "metabox_plus", 0, iterations, final, **values)
            config = store.load_config().model_copy(update={"iterations": 5})
            trials.append(Trial(name, {"acquisition.box_width": width, "acquisition.query_size": size}, (config,)))
    return trials


def test_rows_tell_state_and_costs(tmp_path: Path) -> None:
    trials = make_trials(tmp_path)
    rows = trial_rows(trials, [])
    assert [row.state for row in rows] == ["finished", "finished", "finished", "unfinished"]
    stopped = trial_rows(trials, [trials[3].runs[0].run_dir])
    assert [row.state for row in stopped] == ["finished", "finished", "finished", "stopped"]
    assert rows[0].cost_a_at_target is not None
    assert rows[2].cost_a_at_target is not None
    assert rows[0].cost_a_at_target < rows[2].cost_a_at_target
    assert rows[3].iterations == 2


def test_trials_that_were_not_begun(tmp_path: Path) -> None:
    config = make_config(tmp_path / "nothing")
    rows = trial_rows([Trial("a", {"x": 1}, (config,))], [])
    assert (rows[0].state, rows[0].iterations, rows[0].final_miou) == ("not begun", 0, None)
    assert best_measure(rows) == "final_miou"
    assert Image.open(io.BytesIO(to_png(heat_map(rows, "final_miou")))).width > 100


def test_trials_are_compared_by_cost_at_target_only_where_all_reach_it(tmp_path: Path) -> None:
    rows = trial_rows(make_trials(tmp_path), [])[:3]
    assert best_measure(rows) == "cost_a_at_target"
    without = trial_rows(make_trials(tmp_path / "b", target=False), [])[:3]
    assert best_measure(without) == "mean_miou"


def test_table_and_csv(tmp_path: Path) -> None:
    rows = trial_rows(make_trials(tmp_path), [])
    lines = list(csv.DictReader(io.StringIO(trials_csv(rows).decode())))
    assert lines[1]["acquisition.query_size"] == "3"
    assert float(lines[1]["final_miou"]) == pytest.approx(rows[1].final_miou)
    console = Console(width=200, record=True)
    print_trials(rows, console)
    assert "box_width=8,query_size=3" in console.export_text()


def test_heat_map_shows_the_value_of_each_cell(tmp_path: Path) -> None:
    rows = trial_rows(make_trials(tmp_path), [])
    figure = heat_map(rows, "final_miou")
    texts = [text.get_text() for text in figure.axes[0].texts]
    expected = [f"{100 * rows[i].final_miou:.2f}" for i in (0, 2, 1) if rows[i].final_miou is not None]
    assert texts == [*expected, "–"]  # the last is not finished
    assert figure.axes[0].get_xlabel() == "acquisition.box_width"


def test_scatter_of_a_random_search(tmp_path: Path) -> None:
    rows = trial_rows(make_trials(tmp_path), [])
    drawn = value_scatter(rows, "final_miou").axes[0].lines
    assert [line.get_xdata()[0] for line in drawn] == [4, 4, 8, 8]
    assert np.allclose([line.get_ydata()[0] for line in drawn], [100 * (row.final_miou or 0) for row in rows])
