"""Labels that a good network contradicts: by hand, and errors put into true labels, which must come first."""

import numpy as np

from raymeta.metaseg.label_doubts import label_doubts

SURE = np.float32(0.9)


def test_an_object_that_was_labelled_wrongly_by_hand():
    """A car of 2×2 px is labelled as road, and the network sees it, sure at 0.9; and one border pixel differs."""
    labels = np.zeros((6, 8), np.uint8)
    labels[:, 6:] = 2
    seen = labels.copy()
    seen[1:3, 1:3] = 1
    seen[0, 5] = 2  # the border between road and sky is one pixel further left
    confidence = np.full((6, 8), SURE, np.float32)
    confidence[seen == 2] = 0.8
    car, border = label_doubts(labels, seen, confidence)
    assert (car.label, car.seen, car.top, car.left, car.height, car.width, car.pixels) == (0, 1, 1, 1, 2, 2, 4)
    assert car.extent == 1.0  # all of the predicted car is contradicted
    assert np.isclose(car.score, 0.9)
    assert (border.label, border.seen, border.pixels) == (0, 2, 1)
    assert border.extent == 1 / 13  # of the 13 px of the predicted sky
    assert np.isclose(border.score, 0.8 / 13)
    assert label_doubts(labels, seen, confidence, min_pixels=2) == [car]


def test_what_nobody_labelled_is_not_doubted():
    labels = np.full((4, 4), 255, np.uint8)
    labels[:2] = 0
    seen = np.ones((4, 4), np.uint8)
    (doubt,) = label_doubts(labels, seen, np.full((4, 4), SURE, np.float32))
    assert (doubt.top, doubt.left, doubt.height, doubt.width, doubt.extent) == (0, 0, 2, 4, 1.0)
    assert label_doubts(np.full((4, 4), 255, np.uint8), seen, np.ones((4, 4), np.float32)) == []
    assert label_doubts(seen, seen, np.ones((4, 4), np.float32)) == []


def test_injected_errors_come_first():
    """Twenty scenes, and a good network: its borders are a pixel off, and where it errs on an object it is unsure."""
    rng = np.random.default_rng(7)
    found, injected = [], set()
    for scene in range(20):
        truth = np.kron(rng.integers(0, 4, (6, 8)), np.ones((12, 12))).astype(np.uint8)
        seen = np.roll(truth, 1, axis=1)
        confidence = rng.uniform(0.7, 0.95, truth.shape).astype(np.float32)
        top, left = 12 * int(rng.integers(0, 6)), 12 * int(rng.integers(0, 8))
        block = np.s_[top : top + 12, left : left + 12]
        seen[block] = (truth[block] + 1) % 4  # the network's own error
        confidence[block] = rng.uniform(0.05, 0.3)
        labels = truth.copy()
        if scene % 2:
            row, column = 12 * int(rng.integers(0, 6)), 12 * int(rng.integers(0, 8))
            while (row, column) == (top, left):
                row, column = 12 * int(rng.integers(0, 6)), 12 * int(rng.integers(0, 8))
            labels[row : row + 12, column : column + 12] = (truth[row, column] + 2) % 4
            injected.add((scene, row, column))
        found += [(doubt.score, scene, doubt) for doubt in label_doubts(labels, seen, confidence, min_pixels=16)]
    found.sort(key=lambda each: -each[0])

    def hit(scene, doubt):
        at = [(row, column) for its, row, column in injected if its == scene]
        return any(row <= doubt.top < row + 12 and column <= doubt.left < column + 12 for row, column in at)

    assert len(found) > 40
    assert {scene for _, scene, doubt in found[:20] if hit(scene, doubt)} == {scene for scene, _, _ in injected}
    assert sum(hit(scene, doubt) for _, scene, doubt in found[:10]) >= 8
