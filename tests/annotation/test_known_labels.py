import io

import numpy as np
import pytest
from PIL import Image

from raymeta.annotation.known_labels import ImageLabels, KnownLabels, StoredAnswer, paint_answers, with_points
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.boxes import Box
from raymeta.runs.input_key import labels_key


class Annotation:
    """Label maps of 4×5 pixels of class 1, and a record of who was asked."""

    def __init__(self):
        self.asked = []

    def label_map(self, image_id):
        self.asked.append(image_id)
        return np.ones((4, 5), np.uint8)


def answer(top, left, labels, sha256="0"):
    labels = np.array(labels, np.uint8)
    file = io.BytesIO()
    Image.fromarray(labels).save(file, "PNG")
    return StoredAnswer(top, left, *labels.shape, sha256, file.getvalue())


REGIONS = LabelledRegions(frozenset(["whole"]), {"boxes": (Box(0, 0, 2), Box(1, 1, 2)), "people": (Box(0, 0, 2),)})
KNOWN = KnownLabels(REGIONS, frozenset(["meta"]), {"people": (answer(0, 0, [[3, 255], [255, 2]]),)})


def read(image_id, dataset):
    return KNOWN.of(image_id).read(image_id, (4, 5), dataset)


def test_labels_of_the_data_set_are_read_inside_the_answered_regions_alone():
    dataset = Annotation()
    assert (read("whole", dataset) == 1).all()
    assert (read("meta", dataset) == 1).all()
    expected = np.full((4, 5), 255)
    expected[0:2, 0:2] = expected[1:3, 1:3] = 1
    np.testing.assert_array_equal(read("boxes", dataset), expected)
    assert dataset.asked == ["whole", "meta", "boxes"]


def test_where_people_answer_or_nobody_did_the_data_set_is_not_asked():
    dataset = Annotation()
    expected = np.full((4, 5), 255)
    expected[0, 0], expected[1, 1] = 3, 2
    np.testing.assert_array_equal(read("people", dataset), expected)
    assert (read("pool", dataset) == 255).all()
    assert not dataset.asked


def test_a_later_answer_covers_an_earlier_one_but_its_void_covers_nothing():
    painted = paint_answers("a", (2, 3), [answer(0, 0, [[1, 1], [1, 1]]), answer(0, 1, [[2, 2], [255, 255]])])
    np.testing.assert_array_equal(painted, [[1, 2, 2], [1, 1, 255]])


def test_an_answer_outside_the_image_or_of_another_size_is_refused():
    with pytest.raises(ValueError, match="reaches outside"):
        paint_answers("a", (2, 2), [answer(0, 1, [[1, 1]])])
    wrong = StoredAnswer(0, 0, 1, 1, "0", answer(0, 0, [[1, 1]]).png)
    with pytest.raises(ValueError, match="stored label map"):
        wrong.labels()


def test_labels_are_equal_where_regions_and_checksums_are():
    one, same, other = (ImageLabels(answers=(answer(0, 0, [[1]], digest),)) for digest in "aab")
    assert one == same != other
    assert KNOWN.only(["meta", "people", "whole"]) == KnownLabels(LabelledRegions(), frozenset(["meta"]), KNOWN.answers)


def test_points_take_the_class_at_the_middle_of_their_boxes():
    """Even widths: the pixel below and to the right of the middle. A void middle leaves its box void."""
    truth = np.array([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 255, 11]], np.uint8)
    boxes = (Box(0, 0, 3), Box(1, 2, 2))
    expected = [[5, 5, 5, 3], [5, 5, 11, 11], [5, 5, 11, 11]]
    np.testing.assert_array_equal(with_points(truth, boxes), expected)
    assert (with_points(truth, (Box(1, 1, 2),))[1:3, 1:3] == 255).all()
    assert truth[0, 0] == 0


def test_points_are_read_where_they_were_asked_and_are_other_labels_than_boxes():
    class Numbers:
        def label_map(self, image_id):
            return np.arange(20, dtype=np.uint8).reshape(4, 5)

    regions = LabelledRegions(boxes={"a": (Box(0, 0, 3),)})
    points, boxes = KnownLabels(regions, points=True), KnownLabels(regions)
    labels = points.of("a").read("a", (4, 5), Numbers())
    assert (labels[:3, :3] == 6).all()
    assert (labels == 255).sum() == 11
    assert points.of("a") != boxes.of("a")
    assert labels_key(points) != labels_key(boxes)
