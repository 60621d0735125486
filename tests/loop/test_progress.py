"""What a run tells where no terminal shows its bar."""

import io
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from rich.console import Console
from tiny_settings import tiny_values, write_scenes

from raymeta.config import parse_config
from raymeta.loop.iterations import run_experiment
from raymeta.loop.progress import RunProgress
from raymeta.loop.workers import TrainingProgress


def lines(act):
    out = io.StringIO()
    with RunProgress("metabox", 3, Console(file=out, width=20)) as progress:
        act(progress)
    return out.getvalue().splitlines()


def test_a_line_for_each_stage_with_time_and_rate():
    def act(progress):
        progress.begin_iteration(1)
        progress.begin_stage("score", 10)
        progress.advance(4)
        progress.advance(6)
        progress.begin_stage("annotate", 2)

    told = lines(act)
    assert [line.partition(": ")[0] for line in told] == ["metabox 2/3"] * 4
    assert "score pool: " in told[1]
    assert "10 images, " in told[1]
    assert told[1].endswith("images/s")
    assert told[3].endswith(" s")


@pytest.mark.parametrize("asked", ["boxes", "points"])
def test_answers_are_counted_as_what_was_asked(asked):
    out = io.StringIO()
    with RunProgress("metabox", 3, Console(file=out, width=20), asked) as progress:
        progress.begin_stage("annotate", 7)
        progress.advance(7)
    assert f"7 {asked}, " in out.getvalue()
    assert "image" not in out.getvalue()


def test_a_line_for_each_epoch_and_one_for_a_resumed_training():
    def act(progress):
        progress.begin_stage("train")
        for epoch, step in ((34, 1), (34, 2), (35, 0), (35, 1), (37, 0)):
            progress.training(TrainingProgress(epoch, 60, step, 9, 0.5, first_epoch=34))

    told = [line.partition(": ")[2] for line in lines(act)]
    assert told[1] == "resuming at epoch 35"
    assert [line.partition("  ")[0] for line in told[2:4]] == ["epoch 35/60", "epoch 37/60"]
    assert "mIoU 50.0 %" in told[2]
    assert len(told) == 5


def test_a_new_training_does_not_resume():
    def act(progress):
        progress.begin_stage("train")
        progress.training(TrainingProgress(0, 2, 1, 9))
        progress.training(TrainingProgress(1, 2, validation_miou=0.25))

    assert not any("resuming" in line for line in lines(act))


def test_epochs_that_were_done_before_the_first_look_are_told_too():
    def act(progress):
        progress.begin_stage("train")
        progress.training(TrainingProgress(3, 4, validation_miou=0.25))
        progress.training(TrainingProgress(4, 4, validation_miou=0.5))

    told = [line.partition(": ")[2].partition("  ")[0] for line in lines(act)]
    assert told[1:3] == ["epoch 3/4", "epoch 4/4"]
    assert not any("resuming" in line for line in told)


def test_an_iteration_that_went_on_says_nothing_about_the_time_left():
    summary = SimpleNamespace(miou=0.5, test_miou=None, cost=lambda _: None, r2=None, query_boxes=3)

    def act(progress):
        progress.begin_iteration(0, resumed=True)
        progress.finish_iteration(summary)
        progress.begin_iteration(1)
        progress.finish_iteration(summary)
        progress.begin_iteration(2)
        progress.finish_iteration(summary)

    assert ["left" in line for line in lines(act)] == [False, True, False]


def test_ctrl_c_is_answered_while_the_workers_end(tmp_path):
    """As `run_experiment` does it, with workers that only ever are interrupted."""
    out = io.StringIO()
    seen = []

    @contextmanager
    def workers(config):
        try:
            yield None, None
        finally:
            seen.append("stopping" in out.getvalue())

    write_scenes(tmp_path / "scenes")
    config = parse_config(tiny_values(tmp_path / "scenes", str(tmp_path / "run")))
    with pytest.raises(AttributeError):  # no scorer: any other end is told otherwise
        run_experiment(config, workers, Console(file=out))
    with pytest.raises(KeyboardInterrupt):
        run_experiment(config, interrupted(workers), Console(file=out))
    assert seen == [False, True]


def interrupted(workers):
    class Interrupting:
        def run(self, *_, **__):
            raise KeyboardInterrupt

    @contextmanager
    def start(config):
        with workers(config):
            yield Interrupting(), Interrupting()

    return start
