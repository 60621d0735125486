import threading
import time

import numpy as np
import pytest

from raymeta.loop.image_pipeline import ImagePipeline, Outcome

IDS = [f"image{index}" for index in range(12)]


def read(image_id):
    return np.full((4, 4, 3), int(image_id.removeprefix("image")), dtype=np.uint8)


def infer(image):
    return image[..., 0].astype(np.float32)[None]


def work(image_id, softmax, timed):
    assert timed.decode >= 0
    assert timed.network >= 0
    return image_id, float(softmax.max())


@pytest.fixture
def pipeline():
    pipeline = ImagePipeline(2)
    yield pipeline
    pipeline.close()


def test_outcomes_come_in_order(pipeline):
    def slow_first(image_id, softmax, timed):
        time.sleep(0.05 if image_id in ("image0", "image5") else 0)
        return work(image_id, softmax, timed)

    outcomes = list(pipeline.run(IDS, read, infer, slow_first))
    assert outcomes == [Outcome(image_id, (image_id, float(index)), None) for index, image_id in enumerate(IDS)]
    assert list(pipeline.run([], read, infer, work)) == []


@pytest.mark.parametrize("stage", ["read", "infer", "work"])
def test_a_bad_image_is_an_outcome_and_the_others_go_on(pipeline, stage):
    stages = {"read": read, "infer": infer, "work": work}
    sound = stages[stage]

    def failing(*arguments):
        first = arguments[0]
        if first == "image3" if isinstance(first, str) else first.max() == 3:
            raise ValueError("image3 is broken")
        return sound(*arguments)

    stages[stage] = failing
    for _ in range(3):  # no place is lost: the next runs go through as well
        outcomes = list(pipeline.run(IDS, **stages))
        assert [o.image_id for o in outcomes] == IDS
        assert [o.image_id for o in outcomes if o.error] == ["image3"]
        assert outcomes[3] == Outcome("image3", None, "image3 is broken")


@pytest.mark.parametrize("stage", ["read", "infer", "work"])
def test_other_exceptions_end_the_run(pipeline, stage):
    def broken(*arguments):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        list(pipeline.run(IDS, **({"read": read, "infer": infer, "work": work} | {stage: broken})))
    assert len(list(pipeline.run(IDS, read, infer, work))) == len(IDS)


def test_stages_overlap_and_memory_is_bounded(pipeline):
    lock, alive, peak, inferring = threading.Lock(), [0], [0], [0]

    def count(by):
        with lock:
            alive[0] += by
            peak[0] = max(peak[0], alive[0])

    def slow_infer(image):
        inferring[0] += 1
        assert inferring[0] == 1
        time.sleep(0.02)
        count(1)
        inferring[0] -= 1
        return infer(image)

    def slow_work(image_id, softmax, timed):
        time.sleep(0.035)
        count(-1)
        return work(image_id, softmax, timed)

    def slow_read(image_id):
        time.sleep(0.03)
        return read(image_id)

    results = {}
    start = time.perf_counter()
    callers = [
        threading.Thread(
            target=lambda name=name: results.update({name: list(pipeline.run(IDS, slow_read, slow_infer, slow_work))})
        )
        for name in "ab"
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    seconds = time.perf_counter() - start
    assert results["a"] == results["b"]
    assert len(results["a"]) == len(IDS)
    assert peak[0] <= 3
    assert seconds < 0.8 * 2 * len(IDS) * (0.02 + 0.035 + 0.03)


def test_at_least_one_thread():
    with pytest.raises(ValueError, match="threads 0"):
        ImagePipeline(0)
