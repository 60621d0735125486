import numpy as np
import pytest

from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.boxes import Box
from raymeta.training.training_set import ExampleCache, LabelledExamples


class Scenes:
    """Images of 8×10 pixels in memory; counts what is decoded."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.images = {name: rng.integers(0, 256, (8, 10, 3), dtype=np.uint8) for name in "abcd"}
        self.labels = {name: rng.integers(0, 5, (8, 10), dtype=np.uint8) for name in "abcd"}
        self.decoded = []

    def image(self, image_id):
        self.decoded.append(image_id)
        return self.images[image_id]

    def label_map(self, image_id):
        return self.labels[image_id]


REGIONS = LabelledRegions(frozenset("a"), {"b": (Box(1, 2, 3), Box(2, 3, 3))})
KNOWN = KnownLabels(REGIONS, frozenset("c"))


@pytest.mark.parametrize("max_bytes", [0, 400, 800, 1 << 20])  # an image with its labels has 320 bytes, a mask 80
def test_labels_are_those_of_the_regions_whatever_is_kept(max_bytes):
    scenes = Scenes()
    examples = LabelledExamples(ExampleCache(scenes, max_bytes), KNOWN, ["c"])
    for _ in range(3):
        for index, name in enumerate("ab"):
            image, labels = examples.train_example(index)
            assert np.array_equal(image, scenes.images[name])
            assert np.array_equal(labels, REGIONS.apply(scenes.labels[name], name))
        assert np.array_equal(examples.validation_example(0)[1], scenes.labels["c"])
    assert (len(scenes.decoded) == 3) == (max_bytes == 1 << 20)


def test_a_mask_is_made_again_when_its_boxes_change():
    scenes = Scenes()
    cache = ExampleCache(scenes, 1 << 20)
    first = LabelledExamples(cache, KNOWN, []).train_example(1)[1]
    assert LabelledExamples(cache, KNOWN, []).train_example(1)[1] is first
    more = LabelledRegions(frozenset("a"), {"b": (*REGIONS.boxes["b"], Box(5, 6, 3)), "d": (Box(0, 0, 2),)})
    examples = LabelledExamples(cache, KnownLabels(more), [])
    for index, name in enumerate("abd"):
        assert np.array_equal(examples.train_example(index)[1], more.apply(scenes.labels[name], name))
    whole = LabelledRegions(frozenset("ab"))
    assert np.array_equal(LabelledExamples(cache, KnownLabels(whole), []).train_example(1)[1], scenes.labels["b"])
    assert scenes.decoded == ["a", "b", "d"]
