"""Points in the files of annotation tools: handed out in a ring, answered by a point or any shape over the middle."""

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
    read_answers,
    write_pictures,
)
from raymeta.exchange.drawn_pictures import rectangle_ring

CLASSES = [TaskClass(id=0, name="road"), TaskClass(id=1, name="car")]
REGION = (60, 30, 3, 3)
"""Asks for row 61, column 31; a fifth of the image's height, 24 pixels, is shown around it, more than a margin of 8."""
CROP = (36, 6, 51, 51)
SIZE = 51
MIDDLE = (61.5 - CROP[0], 31.5 - CROP[1])
"""Row and column of the asked pixel's centre in the picture."""


def image(_: str) -> np.ndarray:
    return np.full((120, 160, 3), 90, np.uint8)


def hand_out(folder: Path, form: str, scale: float = 1.0) -> None:
    tasks = [OpenTask("t1", "a/0001", REGION, scale, point=True)]
    export_tasks(folder, tasks, CLASSES, image, form, run="r", set="query-000", created="now", margin=8)


@pytest.mark.parametrize("form", FORMATS)
def test_a_small_shape_over_the_middle_answers_in_every_format(form: str, tmp_path: Path) -> None:
    """One pixel is drawn, off the corner of the square: all nine of the square get its class."""
    hand_out(tmp_path / "out", form)
    row, column = (int(side) for side in MIDDLE)
    shape = DrawnShape("car", (rectangle_ring(column, row, column + 1, row + 1),))
    picture = DrawnPicture("t1.png", SIZE, SIZE, "t1", [shape])
    write_pictures(tmp_path / "answers", [picture], CLASSES, form)
    [answer] = read_answers(tmp_path / "answers", tmp_path / "out")
    assert answer.label_map.tolist() == [[1] * 3] * 3
    assert (answer.refused, answer.uncovered, answer.faults) == (False, 0, ())


def shape_beside(form: str) -> DrawnPicture:
    return DrawnPicture("t1.png", SIZE, SIZE, "t1", [DrawnShape("car", (rectangle_ring(24, 24, 25, 25),))])


def test_a_shape_beside_the_middle_is_no_answer(tmp_path: Path) -> None:
    """Row and column 24 are inside the square, whose middle is 25."""
    hand_out(tmp_path / "out", "labelme")
    write_pictures(tmp_path / "answers", [shape_beside("labelme")], CLASSES, "labelme")
    reader = read_answers(tmp_path / "answers", tmp_path / "out")
    assert list(reader) == []
    assert reader.unanswered == ["t1"]


def labelme(points: list[tuple[str, float, float]]) -> str:
    shapes = [{"label": label, "points": [[x, y]], "shape_type": "point"} for label, x, y in points]
    return json.dumps({"imagePath": "t1.png", "imageHeight": SIZE, "imageWidth": SIZE, "shapes": shapes})


def cvat(points: list[tuple[str, float, float]]) -> str:
    shapes = [f'<points label="{label}" source="manual" points="{x},{y}" z_order="0"/>' for label, x, y in points]
    head = f'<image id="0" name="t1.png" width="{SIZE}" height="{SIZE}">'
    return f"<annotations><version>1.1</version>{head}{''.join(shapes)}</image></annotations>"


def label_studio(points: list[tuple[str, float, float]]) -> str:
    result = [
        {
            "id": str(place),
            "type": "keypointlabels",
            "original_width": SIZE,
            "original_height": SIZE,
            "value": {"x": 100 * x / SIZE, "y": 100 * y / SIZE, "width": 1, "keypointlabels": [label]},
        }
        for place, (label, x, y) in enumerate(points)
    ]
    task = {"id": 1, "data": {"image": "/data/upload/1/0a1b2c3d-t1.png"}, "annotations": [{"result": result}]}
    return json.dumps([task])


def supervisely(points: list[tuple[str, float, float]]) -> str:
    objects = [
        {"classTitle": label, "geometryType": "point", "points": {"exterior": [[x, y]], "interior": []}}
        for label, x, y in points
    ]
    size = {"height": SIZE, "width": SIZE}
    return json.dumps({"description": "", "size": size, "tags": [], "objects": objects})


def darwin(points: list[tuple[str, float, float]]) -> str:
    annotations = [
        {"id": str(place), "name": label, "keypoint": {"x": x, "y": y}} for place, (label, x, y) in enumerate(points)
    ]
    slot = {"slot_name": "0", "width": SIZE, "height": SIZE, "source_files": [{"file_name": "t1.png"}]}
    item = {"name": "t1.png", "path": "/", "slots": [slot]}
    return json.dumps({"version": "2.0", "item": item, "annotations": annotations})


TOOLS = {
    "t1.json": labelme,
    "annotations.xml": cvat,
    "export.json": label_studio,
    "t1.png.json": supervisely,
    "darwin/t1.json": darwin,
}


@pytest.mark.parametrize("name", TOOLS)
def test_a_point_in_the_ring_answers_the_last_one_counts(name: str, tmp_path: Path) -> None:
    """At 9 pixels from the middle is the ring: 7.1 are in it, 14.1 aren't."""
    hand_out(tmp_path / "out", "labelme")
    row, column = MIDDLE
    places = [("road", column, row), ("car", column + 5, row - 5), ("road", column + 10, row - 10)]
    path = tmp_path / "answers" / name
    path.parent.mkdir(parents=True)
    path.write_text(TOOLS[name](places))
    [answer] = read_answers(path, tmp_path / "out")
    assert answer.label_map.tolist() == [[1] * 3] * 3
    clicks = answer.clicks
    assert (clicks.polygon, clicks.intersection, clicks.class_, clicks.confirm) == (0, 0, 1, 0)
    assert len(answer.notes) == 1


def test_a_point_of_an_unknown_class_is_refused(tmp_path: Path) -> None:
    hand_out(tmp_path / "out", "labelme")
    (tmp_path / "t1.json").write_text(labelme([("truck", *MIDDLE[::-1])]))
    [answer] = read_answers(tmp_path / "t1.json", tmp_path / "out")
    assert answer.refused
    assert "truck" in answer.faults[0]


def test_a_point_says_nothing_where_a_box_is_asked(tmp_path: Path) -> None:
    tasks = [OpenTask("t1", "a/0001", REGION)]
    export_tasks(tmp_path / "out", tasks, CLASSES, image, "labelme", run="r", set="s", created="now", margin=24)
    (tmp_path / "t1.json").write_text(labelme([("car", *MIDDLE[::-1])]))
    assert list(read_answers(tmp_path / "t1.json", tmp_path / "out")) == []


def test_a_data_set_of_half_the_size_asks_for_the_same_place(tmp_path: Path) -> None:
    """Stored 120×160, read at 60×80: the square of rows 30 to 32 is rows 60 to 65 of the stored image."""
    tasks = [OpenTask("t1", "a/0001", (30, 15, 3, 3), 0.5, point=True)]
    export_tasks(tmp_path / "out", tasks, CLASSES, image, "labelme", run="r", set="s", created="now", margin=8)
    crop = load_manifest(tmp_path / "out").tasks[0].crop
    assert (crop.top, crop.left, crop.height) == (36, 6, 54)
    text = labelme([("car", 33 - 6, 63 - 36)]).replace("51", "54")
    (tmp_path / "t1.json").write_text(text)
    [answer] = read_answers(tmp_path / "t1.json", tmp_path / "out")
    assert answer.label_map.tolist() == [[1] * 3] * 3


def test_the_picture_is_bright_and_the_ring_leaves_the_middle_free(tmp_path: Path) -> None:
    hand_out(tmp_path / "out", "labelme")
    shown = np.asarray(Image.open(tmp_path / "out/pictures/t1.png"))
    assert shown.shape == (SIZE, SIZE, 3)
    assert (shown[20:31, 20:31] == 90).all()
    assert (shown[25, 25 + 9] == 255).all()
    assert (shown[25, 25 + 10] == 0).all()
    assert (shown[0] == 90).all()
