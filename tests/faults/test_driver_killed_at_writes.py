"""SIGKILL of the driver before, in the middle of and after its writes, again and again in one run (without Ray)."""

import random
import signal
from collections import Counter

import pytest
from tiny_experiment import assert_same

from raymeta.loop.image_tasks import PARTS_PER_BLOCK
from raymeta.runs.run_store import RunStore


def kill_again_and_again(driver, run, undisturbed, ledger, mode, farthest, most):
    """Kill each process at one of its first `farthest` writes until the run ends; at most `most` kills."""
    moments, kills = random.Random(f"{mode} {farthest}"), 0
    while driver.run(run, kill_at=moments.randint(1, farthest), mode=mode) == -signal.SIGKILL and kills < most - 1:
        kills += 1
    if kills == most - 1:
        assert driver.run(run) == 0
    assert_same(run.run_dir, undisturbed.run_dir)
    done = Counter((run.folder / "log.txt").read_text().splitlines())
    assert done.keys() == set((undisturbed.folder / "log.txt").read_text().splitlines())
    epochs = sum(count - 1 for work, count in done.items() if work.startswith("epoch"))
    images = sum(count - 1 for work, count in done.items() if not work.startswith("epoch"))
    assert epochs <= kills
    assert images <= PARTS_PER_BLOCK * kills
    ledger.record(
        f"driver killed {'in the middle of' if mode == 'torn' else mode} a write",
        kills,
        "nothing (done twice a kill, on average: at most one epoch or one block of images)",
    )
    return kills


@pytest.mark.parametrize("mode", ["before", "torn", "after"])
def test_a_few_kills(driver, tiny, plain_undisturbed, ledger, mode):
    assert kill_again_and_again(driver, tiny, plain_undisturbed, ledger, mode, farthest=16, most=5) >= 3


@pytest.mark.faults
@pytest.mark.parametrize("farthest", [1, 2, 4])
@pytest.mark.parametrize("mode", ["torn", "after"])
def test_a_kill_at_every_few_writes(driver, tiny, plain_undisturbed, ledger, mode, farthest):
    # In mode "torn" the first write of a process never ends, so the second must be allowed for the run to move.
    kills = kill_again_and_again(driver, tiny, plain_undisturbed, ledger, mode, max(2, farthest), most=200)
    assert kills >= 10


def test_finished_work_of_other_inputs_is_not_used(driver, tiny, plain_undisturbed):
    assert driver.run(tiny, kill_at=30, mode="after") == -signal.SIGKILL
    folder = RunStore(str(tiny.run_dir)).iteration(0)
    assert folder.committed_stages(), "the run was killed too early for this test"
    for path in tiny.run_dir.rglob("*"):
        if path.suffix == ".arrow" or path.name == "training_state.pt":
            path.write_bytes(path.read_bytes()[:-1])
    assert driver.run(tiny) == 0
    assert_same(tiny.run_dir, plain_undisturbed.run_dir)


def test_blocks_of_work_that_was_kept_are_removed(driver, tiny, plain_undisturbed):
    """A process may die after it kept a table and before it removed the blocks that the table was made of."""
    assert driver.run(tiny, kill_at=30, mode="after") == -signal.SIGKILL
    for kept in ("pool_clicks", "held_out_clicks"):
        assert (tiny.run_dir / f"{kept}.parquet").exists(), "the run was killed too early for this test"
        folder = tiny.run_dir / f"{kept}.blocks"
        folder.mkdir()
        (folder / "000000.arrow").write_bytes(b"block")
    assert driver.run(tiny) == 0
    assert_same(tiny.run_dir, plain_undisturbed.run_dir)
