import threading
import time

import pytest

from raymeta.training.prefetching import prefetch


@pytest.mark.parametrize("threads", [1, 3])
def test_results_keep_the_order_of_the_jobs(threads):
    def job(index):
        time.sleep(0.01 * (index % 3))
        return index

    assert list(prefetch([lambda index=index: job(index) for index in range(10)], threads)) == list(range(10))


def test_the_next_results_are_made_while_one_is_used():
    made = [threading.Event() for _ in range(6)]

    def job(index):
        made[index].set()
        return index

    results = prefetch([lambda index=index: job(index) for index in range(6)])
    assert next(results) == 0
    assert made[1].wait(5)
    assert made[2].wait(5)
    assert not made[3].is_set()  # bounded: it waits until the next one is asked for
    assert list(results) == [1, 2, 3, 4, 5]


def test_an_error_comes_in_its_turn_and_ends_the_rest():
    done = []

    def job(index):
        done.append(index)
        if index == 1:
            raise ValueError("job 1")
        return index

    results = prefetch([lambda index=index: job(index) for index in range(9)])
    assert next(results) == 0
    with pytest.raises(ValueError, match="job 1"):
        next(results)
    assert len(done) < 6
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("prefetch")]
