"""Shapes of CVAT's API: predictions go out and read back exactly, odd values are refused by the reader."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raymeta.annotation_servers.cvat_prelabels import prelabel_shapes
from raymeta.exchange import Manifest, partition_shapes, read_answers
from raymeta.exchange.cvat_jobs import JobFrame, job_xml
from raymeta.exchange.errors import ExchangeError

NAMES = ("road", "car", "sky")
LABELS = {name: 10 + place for place, name in enumerate(NAMES)}
FRAMES = (JobFrame(0, "t-1.png", 24, 32),)


def manifest(classes=None):
    prelabels = []
    for place, shape in enumerate(partition_shapes(classes, dict(enumerate(NAMES))) if classes is not None else ()):
        rings = [ring.tolist() for ring in shape.rings]
        prelabels.append({"id": f"p{place}", "label": shape.label, "points": rings[0], "holes": rings[1:]})
    task = {"id": "t-1", "image_id": "a/1", "crop": {"top": 0, "left": 0, "height": 24, "width": 32}}
    labels = [{"id": place, "name": name} for place, name in enumerate(NAMES)]
    return Manifest.model_validate(
        {"format": "raymeta-tasks-1", "classes": labels, "tasks": [task | {"prelabels": prelabels}]}
    )


def read(annotations, known, folder, who="ann"):
    path = folder / "job.xml"
    path.write_bytes(job_xml(annotations, FRAMES, {number: name for name, number in LABELS.items()}, who, "2.80.0"))
    return list(read_answers(path, known))


def test_predictions_that_nobody_touched_read_back_exactly(tmp_path):
    classes = np.random.default_rng(1).integers(0, 3, (24, 32)).astype(np.uint8)
    classes[2:20, 2:20], classes[5:9, 5:9] = 1, 2  # a hole
    known = manifest(classes)
    shapes = prelabel_shapes(known.tasks[0], 0, LABELS)
    assert {"polygon", "mask"} == {shape["type"] for shape in shapes}
    (answer,) = read({"shapes": shapes, "tags": [], "tracks": []}, known, tmp_path)
    assert (answer.who, answer.clicks.confirm, answer.faults) == ("ann", 1, ())
    np.testing.assert_array_equal(answer.label_map, classes)


def test_rectangles_ellipses_tags_and_all_digits(tmp_path):
    whole = {"type": "rectangle", "points": [0.0, 0.0, 32.0, 24.0], "frame": 0, "label_id": 10, "z_order": 0}
    round_ = {"type": "ellipse", "points": [16.0, 12.0, 20.0, 8.0], "frame": 0, "label_id": 11, "z_order": 2}
    thin = {"type": "polygon", "points": [5.4999999, 0, 9, 0, 9, 24, 5.4999999, 24], "frame": 0, "label_id": 12}
    annotations = {"shapes": [round_, whole, thin | {"z_order": 1}]}
    (answer,) = read(annotations, manifest(), tmp_path)
    assert (answer.label_map[12, 15:17] == 1).all()  # drawn first, and above
    assert (answer.label_map[0, 5:9] == 2).all()  # 5.4999999 takes the pixel whose centre is 5.5; two decimals wouldn't
    assert np.isin(answer.label_map[:, 21:], 0).all()
    (answer,) = read({"tags": [{"label_id": 99, "frame": 0}]} | annotations, manifest(), tmp_path)
    assert not answer.undecidable


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=8,
)
SHAPES = st.fixed_dictionaries(
    {"frame": st.sampled_from([0, 0, 0, 1, -1, "0", None])},
    optional={
        "type": st.sampled_from(["polygon", "mask", "rectangle", "ellipse", "points", "cuboid", "<b>", ""]) | JSON,
        "points": st.lists(st.floats() | st.integers(-50, 50), max_size=9) | JSON,
        "label_id": st.sampled_from([10, 11, 99]) | JSON,
        "z_order": JSON,
        "source": JSON,
        "rotation": JSON,
    },
)


@given(st.fixed_dictionaries({}, optional={name: st.lists(SHAPES | JSON, max_size=3) | JSON for name in
                                           ("shapes", "tags", "tracks")}) | JSON)  # fmt: skip
def test_odd_annotations_are_read_or_refused_in_our_own_words(tmp_path_factory, annotations):
    folder = tmp_path_factory.getbasetemp()
    try:
        answers = read(annotations, manifest(), folder, who="\x00<&")
    except ExchangeError:
        return
    assert all(answer.label_map.shape == (24, 32) for answer in answers)


def test_tracks_are_refused_whole(tmp_path):
    with pytest.raises(ExchangeError):
        read({"shapes": [], "tracks": [{"frame": 0}]}, manifest(), tmp_path)
