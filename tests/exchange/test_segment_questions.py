"""Segments in files of tools: a pre-drawn shape with a question, answered by its label or by deleting it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raymeta.exchange import (
    FORMATS,
    DrawnPicture,
    DrawnShape,
    OpenTask,
    TaskClass,
    export_tasks,
    load_manifest,
    partition_shapes,
    read_answers,
    write_pictures,
)
from raymeta.exchange.manifest import ManifestError, SegmentQuestion, TaskBox
from raymeta.exchange.segment_answers import question_mask

CLASSES = [TaskClass(id=0, name="road"), TaskClass(id=1, name="car"), TaskClass(id=2, name="sky")]
REGION = (40, 24, 8, 8)
MASK = np.zeros((8, 8), bool)
MASK[1:6, 1:7] = True
MASK[3, 3:5] = False  # a hole
MASK[7, 7] = True  # a second part
OUTSIDE = 255


def image(_: str) -> np.ndarray:
    return np.full((120, 160, 3), 90, np.uint8)


def asked(scale: float, named: TaskBox | None = None) -> OpenTask:
    """Is it car? In the data set's pixels the tile is REGION, whatever the stored image's size."""
    parts = partition_shapes(np.where(MASK, 1, 255).astype(np.uint8), {1: "car"})
    corner = np.array([REGION[1], REGION[0]])
    shapes = [
        DrawnShape(part.label, tuple((ring + corner) / scale for ring in part.rings), shape_id=f"s{number}")
        for number, part in enumerate(parts, start=1)
    ]
    return OpenTask("t1", "a/1", REGION, scale, prelabels=shapes, segment=SegmentQuestion(predicted="car", named=named))


def hand_out(folder: Path, form: str, scale: float = 1.0, named: TaskBox | None = None) -> DrawnPicture:
    """The question, as the tool shows it."""
    manifest = export_tasks(
        folder, [asked(scale, named)], CLASSES, image, form, run="r", set="query-000", created="now", margin=8
    )
    [task] = manifest.tasks
    shapes = [
        DrawnShape(each.label, each.rings, rule=each.rule, shape_id=each.id, geometry="polygon")
        for each in task.prelabels
    ]
    return DrawnPicture("t1.png", task.crop.height, task.crop.width, "t1", shapes)


def read(tmp_path: Path, form: str, picture: DrawnPicture):
    write_pictures(tmp_path / "answers/from the tool", [picture], CLASSES, form)
    [answer] = read_answers(tmp_path / "answers", tmp_path / "out")
    assert not answer.refused
    assert (answer.uncovered, answer.faults, answer.undecidable) == (0, (), False)
    return answer


def relabelled(picture: DrawnPicture, label: str) -> DrawnPicture:
    """Only the question's own shapes: in Cityscapes' files others fill its holes."""
    picture.shapes = [
        DrawnShape(label if each.label == "car" else each.label, each.rings, rule=each.rule, shape_id=each.shape_id)
        for each in picture.shapes
    ]
    return picture


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("label", "class_id"), [("car", 1), ("sky", 2), ("void", OUTSIDE)])
def test_the_label_of_the_shape_answers_in_every_format(form, label, class_id, tmp_path):
    picture = relabelled(hand_out(tmp_path / "out", form), label)
    answer = read(tmp_path, form, picture)
    np.testing.assert_array_equal(answer.label_map, np.where(MASK, class_id, OUTSIDE))


@pytest.mark.parametrize("form", FORMATS)
def test_a_deleted_shape_is_mixed(form, tmp_path):
    picture = hand_out(tmp_path / "out", form)
    picture.shapes = []
    answer = read(tmp_path, form, picture)
    assert (answer.label_map == OUTSIDE).all()
    assert (answer.clicks.polygon, answer.clicks.class_, answer.clicks.confirm) == (0, 1, 0)


def test_clicks_of_each_answer(tmp_path):
    """A confirmation is one click, and so is another class: nobody moved a vertex."""
    picture = hand_out(tmp_path / "out", "x-anylabeling")
    answer = read(tmp_path, "x-anylabeling", relabelled(picture, "car"))
    assert (answer.clicks.polygon, answer.clicks.class_, answer.clicks.confirm) == (0, 0, 1)
    assert {shape.mark for shape in answer.shapes} == {"unchanged"}


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.25])
@pytest.mark.parametrize("form", ["labelme", "cvat", "label-studio", "coco", "supervisely", "darwin"])
def test_the_question_is_the_mask_at_every_size(form, scale, tmp_path):
    def stored(_: str) -> np.ndarray:
        return np.zeros((round(120 / scale), round(160 / scale), 3), np.uint8)

    export_tasks(tmp_path, [asked(scale)], CLASSES, stored, form, run="r", set="q", created="now")
    [task] = load_manifest(tmp_path).tasks
    np.testing.assert_array_equal(question_mask(task), MASK)
    assert (tmp_path / "README.txt").read_text().startswith("1 picture with a predicted shape")


def test_the_picture_is_bright_and_shows_what_is_around(tmp_path):
    hand_out(tmp_path / "out", "labelme")
    picture = np.asarray(Image.open(tmp_path / "out/pictures/t1.png"))
    assert picture.shape[:2] == (24 + 8 + 24, 24 + 8 + 24)  # a fifth of 120 rows around the tile
    assert (picture == 90).all()


def test_what_is_drawn_beyond_the_question_is_taken_as_it_is(tmp_path):
    """Somebody deletes the shape, and draws a road and a sky into the tile: 8 and 4 pixels of it."""
    picture = hand_out(tmp_path / "out", "labelme")
    left = 24.0  # of the tile in the picture, as its top
    road, sky = [[0, 0], [8, 0], [8, 1], [0, 1]], [[0, 4], [2, 4], [2, 6], [0, 6]]
    shapes = [DrawnShape(name, (np.array(ring) + left,)) for name, ring in (("road", road), ("sky", sky))]
    picture.shapes = shapes
    label_map = read(tmp_path, "labelme", picture).label_map
    expected = np.full((8, 8), OUTSIDE)
    expected[0], expected[4:6, :2] = 0, 2
    np.testing.assert_array_equal(label_map, expected)


@pytest.mark.parametrize("named", [None, TaskBox(top=42, left=26, width=2, height=3)])
def test_a_point_names_what_stands_for_a_mixed_segment(named, tmp_path):
    """Rows 2 to 4 and columns 2 and 3 of the tile, without the hole at (3, 3)."""
    hand_out(tmp_path / "out", "labelme", named=named)
    path = tmp_path / "out/pictures/t1.json"
    content = json.loads(path.read_text())
    point = {"label": "sky", "points": [[28.0, 28.0]], "shape_type": "point", "flags": {}}
    path.write_text(json.dumps(content | {"shapes": [*content["shapes"], point]}))
    [answer] = read_answers(tmp_path / "out", tmp_path / "out")
    if named is None:
        np.testing.assert_array_equal(answer.label_map, np.where(MASK, 1, OUTSIDE))
        assert "points say nothing" in answer.notes[0]
        assert not answer.mixed
        return
    expected = np.full((8, 8), OUTSIDE)
    expected[2:5, 2:4] = 2
    expected[3, 3] = OUTSIDE
    np.testing.assert_array_equal(answer.label_map, expected)
    assert (answer.clicks.class_, answer.clicks.confirm, answer.mixed) == (1, 0, True)


def test_a_point_of_no_class_refuses_the_answer_as_a_shape_does(tmp_path):
    """What it was meant to say isn't known: it is named, and `class_map` tells it."""
    hand_out(tmp_path / "out", "labelme", named=TaskBox(top=42, left=26, width=2, height=3))
    path = tmp_path / "out/pictures/t1.json"
    content = json.loads(path.read_text())
    point = {"label": "skye", "points": [[28.0, 28.0]], "shape_type": "point", "flags": {}}
    path.write_text(json.dumps(content | {"shapes": [*content["shapes"], point]}))
    [answer] = read_answers(tmp_path / "out", tmp_path / "out")
    assert answer.refused
    assert "skye" in answer.faults[0]
    [told] = read_answers(tmp_path / "out", tmp_path / "out", class_map=["skye=sky"])
    assert (told.refused, told.label_map[2, 2]) == (False, 2)


def test_what_nobody_saved_is_no_answer(tmp_path):
    hand_out(tmp_path / "out", "labelme")
    assert list(read_answers(tmp_path / "out", tmp_path / "out")) == []


def test_a_question_without_a_shape_is_refused():
    crop = {"top": 0, "left": 0, "height": 9, "width": 9}
    task = {"id": "t1", "image_id": "a", "crop": crop, "segment": {"predicted": "car"}}
    content = {"format": "raymeta-tasks-1", "classes": [{"id": 0, "name": "car"}], "tasks": [task]}
    with pytest.raises(ManifestError, match="none of its prelabels"):
        load_manifest(content)
