"""Predicted segments out to every tool and back: unchanged, changed, deleted, another class; simplified borders."""

from dataclasses import replace

import numpy as np
import pytest
from planar import random_partition

from raymeta.errors import InputError
from raymeta.exchange import (
    FORMATS,
    DrawnPicture,
    DrawnShape,
    OpenTask,
    TaskClass,
    export_tasks,
    read_answers,
    write_pictures,
)
from raymeta.exchange.junctions import with_junctions
from raymeta.exchange.outlines import find_outlines
from raymeta.exchange.planar_shapes import partition_shapes, shape_owners
from raymeta.exchange.simplified_shapes import simplify_shapes

NAMES = dict(enumerate(["road", "building", "vegetation", "sky", "car", "person"]))
CLASS_LIST = [TaskClass(id=number, name=name) for number, name in NAMES.items()]
BOX = (10, 20, 24, 24)
MASKS = ("cvat-masks",)


def predicted():
    """A 24×24 box: road below building, a car with a hole of road in it, and one pixel of sky."""
    labels = np.full((24, 24), 1, np.uint8)
    labels[12:] = 0
    labels[8:18, 4:14] = 4
    labels[11:14, 7:10] = 0
    labels[3, 20] = 3
    return labels


def segments(labels, top=0, left=0):
    shapes = [DrawnShape(NAMES[each.value], each.rings) for each in find_outlines(labels, 255)]
    shapes = with_junctions(shapes, *labels.shape)
    return [
        replace(s, rings=tuple(r + np.array([left, top]) for r in s.rings), shape_id=f"p{n}", score=n / 10)
        for n, s in enumerate(shapes, start=1)
    ]


def export(folder, form, labels):
    task = OpenTask("t1", "a", BOX, prelabels=segments(labels, *BOX[:2]))
    image = np.full((60, 90, 3), 90, np.uint8)
    return export_tasks(folder, [task], CLASS_LIST, lambda _: image, form, run="r", set="s", created="now", margin=8)


def answer(folder, form, manifest, change=lambda shapes: shapes):
    """What comes back if a person opens the hand-out, changes its shapes and saves it."""
    (task,) = manifest.tasks
    shapes = [
        DrawnShape(p.label, p.rings, rule=p.rule, shape_id=p.id if form == "label-studio" else None)
        for p in task.prelabels
    ]
    crop = task.crop
    picture = DrawnPicture("t1.png", crop.height, crop.width, "t1", change(shapes))
    write_pictures(folder, [picture], CLASS_LIST, form)
    (found,) = read_answers(folder, manifest.model_copy(update={"untouched": {}}))  # a tool writes other bytes
    return found


@pytest.mark.parametrize("form", FORMATS)
def test_saved_as_it_is(form, tmp_path):
    manifest = export(tmp_path / "out", form, predicted())
    assert list(read_answers(tmp_path / "out", manifest)) == []  # nobody saved it
    found = answer(tmp_path / "in", form, manifest)
    np.testing.assert_array_equal(found.label_map, predicted())
    assert {shape.mark for shape in found.shapes} == {"unchanged"}
    assert found.deleted == ()
    clicks = found.clicks
    assert (clicks.polygon, clicks.intersection, clicks.box, clicks.class_, clicks.confirm) == (0, 0, 0, 0, 1)


def car_in(shapes):
    return next(place for place, shape in enumerate(shapes) if shape.label == "car")


def move_corner(shapes):
    """The car's upper left corner goes 3 px to the left, above what it covers."""
    place = car_in(shapes)
    moved = np.array(shapes[place].rings[0])
    first = np.lexsort((moved[:, 0], moved[:, 1]))[0]
    moved[first] -= [3, 0]
    shapes[place] = replace(shapes[place], rings=(moved, *shapes[place].rings[1:]))
    return shapes


def paint_car_as_person(shapes):
    place = car_in(shapes)
    shapes[place] = replace(shapes[place], label="person")
    return shapes


def drop_sky(shapes):
    return [shape for shape in shapes if shape.label != "sky"]


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in MASKS])
def test_a_changed_shape_counts_what_was_changed(form, tmp_path):
    manifest = export(tmp_path / "out", form, predicted())
    found = answer(tmp_path / "moved", form, manifest, move_corner)
    if form not in ("coco", "cityscapes"):  # a shape with a hole is a mask; whole pixels make steps of a slant
        marks = {shape.prelabel: shape.mark for shape in found.shapes}
        car = next(each.id for each in manifest.tasks[0].prelabels if each.label == "car")
        assert marks.pop(car) == "edited"
        assert set(marks.values()) == {"unchanged"}
        assert (found.clicks.polygon, found.clicks.class_, found.clicks.confirm) == (1, 0, 1)
    reclassed = answer(tmp_path / "person", form, manifest, paint_car_as_person)
    assert (reclassed.clicks.polygon, reclassed.clicks.class_, reclassed.clicks.confirm) == (0, 1, 1)
    assert reclassed.label_map[8, 4] == 5
    dropped = answer(tmp_path / "dropped", form, manifest, drop_sky)
    sky = next(each.id for each in manifest.tasks[0].prelabels if each.label == "sky")
    assert dropped.deleted == (sky,)
    assert dropped.clicks.polygon == 0


def test_masks_tell_by_class_what_was_left_alone(tmp_path):
    manifest = export(tmp_path / "out", "cvat-masks", predicted())
    found = answer(tmp_path / "in", "cvat-masks", manifest, drop_sky)  # the sky's pixel is uncovered or building now
    marks = {shape.label: shape.mark for shape in found.shapes}
    assert (marks["car"], marks["road"]) == ("unchanged", "unchanged")
    assert found.deleted == ("p4",) or "p4" not in {shape.prelabel for shape in found.shapes}


def test_scores_stand_where_a_format_has_a_place_for_them(tmp_path):
    import json

    export(tmp_path / "x", "x-anylabeling", predicted())
    shapes = json.loads((tmp_path / "x/pictures/t1.json").read_text())["shapes"]
    assert [shape["score"] for shape in shapes if shape["label"] != "raymeta_box"] == [0.1, 0.2, 0.3, 0.4, 0.5]
    export(tmp_path / "ls", "label-studio", predicted())
    (task,) = json.loads((tmp_path / "ls/tasks.json").read_text())
    assert task["predictions"][0]["score"] == 0.3
    assert {item["id"] for item in task["predictions"][0]["result"]} == {"box", "p1", "p2", "p3", "p4", "p5"}
    export(tmp_path / "coco", "coco", predicted())
    entries = json.loads((tmp_path / "coco/instances.json").read_text())["annotations"]
    assert [entry["score"] for entry in entries] == [0.1, 0.2, 0.3, 0.4, 0.5]
    export(tmp_path / "cvat", "cvat", predicted())
    assert (tmp_path / "cvat/annotations.xml").read_text().count('source="auto"') == 5


@pytest.mark.parametrize("seed", range(8))
def test_neighbours_share_every_junction(seed):
    """A corner of one shape on the border of another is a vertex of both, and no pixel changes its shape."""
    labels = random_partition(np.random.default_rng(seed), 20, 30)
    plain = [DrawnShape(NAMES[each.value], each.rings) for each in find_outlines(labels, 255)]
    shared = with_junctions(plain, 20, 30)
    np.testing.assert_array_equal(shape_owners(shared, 20, 30), shape_owners(plain, 20, 30))
    corners = {tuple(point) for shape in plain for ring in shape.rings for point in ring.tolist()}
    for shape in shared:
        for ring in shape.rings:
            points = set(map(tuple, ring.tolist()))
            for (x, y), (to_x, to_y) in zip(ring.tolist(), np.roll(ring, -1, axis=0).tolist(), strict=True):
                steps = int(abs(to_x - x) + abs(to_y - y))
                between = {(x + (to_x - x) * k / steps, y + (to_y - y) * k / steps) for k in range(steps)}
                assert between & corners <= points


@pytest.mark.parametrize("seed", range(8))
def test_simplified_borders_open_no_gap(seed):
    labels = random_partition(np.random.default_rng(seed), 40, 40)
    labels[labels == 255] = 0
    shapes = segments(labels)
    simple = simplify_shapes(shapes, 2.0)
    assert points_of(simple) <= points_of(shapes)
    assert [shape.label for shape in simple] == [shape.label for shape in shapes]
    covers = np.zeros((40, 40), int)
    for shape in simple:
        covers += shape_owners([shape], 40, 40) == 0
    assert (covers == 1).all()
    assert simplify_shapes(shapes, 0.0) == shapes


def points_of(shapes):
    return sum(len(ring) for shape in shapes for ring in shape.rings)


def test_the_steps_of_a_slant_become_a_line():
    shapes = segments(np.tri(20, dtype=np.uint8))
    assert points_of(shapes) > 80
    assert points_of(simplify_shapes(shapes, 1.0)) < 20


@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), float("inf")])
def test_a_senseless_tolerance_is_refused(tolerance):
    with pytest.raises(InputError):
        simplify_shapes(segments(predicted()), tolerance)


def test_partition_of_the_predicted_map_is_what_was_predicted():
    assert len(partition_shapes(predicted(), NAMES)) == len(segments(predicted())) == 5
