"""A network whose answers are no numbers stops the run, wherever it is noticed; the message says where."""

from dataclasses import replace
from io import BytesIO

import pytest
import torch
from scored_run import scored_config, write_scored_run

from raymeta.datasets.registry import open_dataset
from raymeta.errors import RunFailedError
from raymeta.loop.image_scorer import ImageScorer
from raymeta.loop.image_tasks import ImageTasks
from raymeta.loop.iteration_bundle import read_bundle
from raymeta.networks.inference import finite_pixels


@pytest.mark.parametrize(
    ("values", "finite"),
    [
        ([1.0, 2.0], True),
        ([float("-inf"), 2.0], True),  # a class that is ruled out
        ([float("-inf"), float("-inf")], False),
        ([float("inf"), 2.0], False),
        ([float("nan"), 2.0], False),
    ],
)
def test_a_pixel_is_made_of_numbers_or_not(values, finite):
    logits = torch.zeros(2, 3, 3)
    logits[:, 1, 1] = torch.tensor(values)
    assert bool(finite_pixels(logits)) is finite


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A run's config, data set and bundle, one weight of whose network is nan."""
    folder = tmp_path_factory.mktemp("scored")
    store = write_scored_run(folder)
    bundle = read_bundle(store, 0)
    state = torch.load(BytesIO(bundle.network), weights_only=True)
    name = next(name for name, value in state.items() if value.dtype == torch.float32)
    state[name][(0,) * state[name].dim()] = float("nan")
    sink = BytesIO()
    torch.save(state, sink)
    return scored_config(folder), replace(bundle, network=sink.getvalue(), iteration=7)


def test_scoring_stops_and_names_the_iteration(broken):
    config, bundle = broken
    dataset = open_dataset(config.dataset, config.seed)
    scorer = ImageScorer(config, dataset, bundle, torch.device("cpu"))
    with pytest.raises(RunFailedError, match="iteration 7"):
        scorer.softmax(dataset.image(dataset.pool_ids()[0]))


def test_no_image_is_left_out_for_it(broken):
    config, bundle = broken
    tasks = ImageTasks(config, torch.device("cpu"))
    scorer = tasks.load(bundle, lambda: bundle)
    with pytest.raises(RunFailedError, match="iteration 7"):
        tasks.largest_box_clicks(scorer, tasks.dataset.pool_ids()[:2])


def test_a_training_that_diverges_ends_the_run_with_what_to_change(runner):
    done = runner.raymeta(
        "run", "--local", str(runner.config), "training.optimizer=sgd", "training.learning_rate=1000", "iterations=1"
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "iteration 0" in done.stderr
    assert "learning_rate" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (runner.run_dir / "iterations/000/network.pt").exists()
