"""Tasks out, answers back; bought labels as a data set."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from planar import CLASSES, NAMES, manifest_of, random_partition

from raymeta.datasets.folder import read_class_list
from raymeta.datasets.image_files import read_label_map
from raymeta.exchange import (
    FORMATS,
    DrawnPicture,
    ExchangeError,
    OpenTask,
    export_tasks,
    load_manifest,
    partition_shapes,
    read_answers,
    write_label_data_set,
    write_pictures,
)
from raymeta.exchange.rasterizer import paint

CLASS_LIST = load_manifest(manifest_of([])).classes
IMAGES = {
    name: np.random.default_rng(index).integers(1, 256, (60, 90, 3), dtype=np.uint8)
    for index, name in enumerate(["a/0001", "straße é"])
}
TRUTH = {name: random_partition(np.random.default_rng(index), 60, 90) for index, name in enumerate(IMAGES)}


def tasks_of(prelabels: bool) -> list[OpenTask]:
    regions = [
        ("t000001", "a/0001", (10, 20, 24, 24)),
        ("t000002", "straße é", (36, 66, 24, 24)),
        ("w1", "a/0001", None),
    ]
    return [OpenTask(*each, prelabels=shapes_in(each[1], each[2]) if prelabels else ()) for each in regions]


def shapes_in(image_id: str, region: tuple[int, int, int, int] | None) -> list:
    top, left, height, width = region or (0, 0, 60, 90)
    from dataclasses import replace

    shapes = partition_shapes(TRUTH[image_id][top : top + height, left : left + width], NAMES)
    return [replace(shape, rings=tuple(ring + np.array([left, top]) for ring in shape.rings)) for shape in shapes]


def export(folder: Path, name: str, prelabels: bool = True, margin: int | None = 8):
    return export_tasks(
        folder,
        tasks_of(prelabels),
        CLASS_LIST,
        IMAGES.__getitem__,
        name,
        run="r",
        set="s",
        created="now",
        margin=margin,
    )


@pytest.mark.parametrize("name", FORMATS)
def test_a_person_who_draws_the_truth(name: str, tmp_path: Path) -> None:
    """Export, draw on the pictures, read the folder back: the truth of each region, whatever the crop."""
    manifest = export(tmp_path, name)
    assert list(read_answers(tmp_path, manifest)) == [], "nobody has answered yet"
    pictures = []
    for task in manifest.tasks:
        crop = task.crop
        shown = TRUTH[task.image_id][crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
        shapes = partition_shapes(shown, NAMES)
        pictures.append(DrawnPicture(f"{task.id}.png", crop.height, crop.width, task.id, shapes))
    write_pictures(tmp_path / "back", pictures, CLASS_LIST, name)
    answers = {answer.task_id: answer for answer in read_answers(tmp_path, tmp_path)}
    assert set(answers) == {"t000001", "t000002", "w1"}
    for task in manifest.tasks:
        top, left, height, width = task.region
        np.testing.assert_array_equal(
            answers[task.id].label_map, TRUTH[task.image_id][top : top + height, left : left + width], err_msg=task.id
        )
    with pytest.raises(ExchangeError, match="another folder"):
        export(tmp_path, name)


@pytest.mark.parametrize("name", ["cvat", "labelme", "x-anylabeling", "label-studio", "coco"])
def test_prelabels_saved_as_they_are(name: str, tmp_path: Path) -> None:
    """Saved by the tool without a change: the predicted raster, no clicks, one confirmation."""
    manifest = export(tmp_path, name)
    pictures = [
        DrawnPicture(f"{task.id}.png", task.crop.height, task.crop.width, task.id, _drawn(task))
        for task in manifest.tasks
    ]
    write_pictures(tmp_path / "back", pictures, CLASS_LIST, name)
    answers = {answer.task_id: answer for answer in read_answers(tmp_path / "back", manifest)}
    for task in manifest.tasks:
        top, left, height, width = task.region
        answer = answers[task.id]
        np.testing.assert_array_equal(
            answer.label_map, TRUTH[task.image_id][top : top + height, left : left + width], err_msg=task.id
        )
        if name != "x-anylabeling":  # writes holes as slits
            assert {shape.mark for shape in answer.shapes} == {"unchanged"}
            assert (answer.clicks.polygon, answer.clicks.class_, answer.clicks.confirm) == (0, 0, 1)


def _drawn(task) -> list:
    from raymeta.exchange import DrawnShape

    return [
        DrawnShape(each.label, each.rings, "mask" if each.holes else "polygon", shape_id=each.id)
        for each in task.prelabels
    ]


def test_pictures_show_the_box(tmp_path: Path) -> None:
    manifest = export(tmp_path, "labelme")
    task = manifest.tasks[0]
    assert (task.crop.top, task.crop.left, task.crop.height, task.crop.width) == (2, 12, 40, 40)
    pixels = np.asarray(Image.open(tmp_path / task.file))
    image = IMAGES["a/0001"]
    np.testing.assert_array_equal(pixels[8:32, 8:32], image[10:34, 20:44])
    np.testing.assert_array_equal(pixels[0], (image[2, 12:52] * 0.6).astype(np.uint8))
    corner = manifest.tasks[1].crop
    assert (corner.top + corner.height, corner.left + corner.width) == (60, 90), "clamped to the image"
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "pictures" / "w1.png")), image)
    whole = export(tmp_path / "whole", "labelme", margin=None)
    assert all(task.crop.width == 90 for task in whole.tasks)
    assert "labelme pictures" in (tmp_path / "README.txt").read_text()
    assert load_manifest(tmp_path) == manifest


def test_label_studio_tasks(tmp_path: Path) -> None:
    manifest = export(tmp_path, "label-studio")
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert tasks[0]["data"]["raymeta"] == {
        "task": "t000001",
        "image_id": "a/0001",
        "box": [10, 20, 24],
        "crop": [2, 12, 40, 40],
        "scale": 1.0,
    }
    box, *shapes = tasks[0]["predictions"][0]["result"]
    assert box["value"] == {"x": 20, "y": 20, "width": 60, "height": 60, "rotation": 0}
    assert box["readonly"] is True
    assert all(isinstance(shape["id"], str) for shape in shapes)
    assert [shape["id"] for shape in shapes] == [each.id for each in manifest.tasks[0].prelabels]
    assert "wet road &amp; &lt;rails&gt;" in (tmp_path / "config.xml").read_text()


def test_a_box_outside_its_image(tmp_path: Path) -> None:
    task = OpenTask("t1", "a/0001", (50, 0, 24, 24))
    with pytest.raises(ExchangeError, match="t1"):
        export_tasks(tmp_path, [task], CLASS_LIST, IMAGES.__getitem__, "cvat", run="", set="", created="")


def test_bought_labels_as_a_data_set(tmp_path: Path) -> None:
    maps = {f"image {seed}": random_partition(np.random.default_rng(seed), 30, 41) for seed in range(5)}
    assert write_label_data_set(tmp_path, maps.items(), CLASS_LIST) == 5
    assert read_class_list(tmp_path / "classes.yaml").names == tuple(entry["name"] for entry in CLASSES)
    content = json.loads((tmp_path / "coco" / "instances_train.json").read_text())
    tasks = [
        {"id": f"t{i}", "image_id": name, "crop": {"top": 0, "left": 0, "height": 30, "width": 41}}
        for i, name in enumerate(maps)
    ]
    for source in ("coco/instances_train.json", "polygons/train"):
        answers = {answer.task_id: answer for answer in read_answers(tmp_path / source, manifest_of(tasks))}
        for task in tasks:
            np.testing.assert_array_equal(answers[task["id"]].label_map, maps[task["image_id"]])
    for name, label_map in maps.items():
        np.testing.assert_array_equal(read_label_map(tmp_path / "labels" / "train" / f"{name}.png"), label_map)
    owners = np.zeros((30, 41), np.int32)
    ids = {image["file_name"]: image["id"] for image in content["images"]}
    areas = sum(a["area"] for a in content["annotations"] if a["image_id"] == ids["image 0.png"])
    assert areas >= np.count_nonzero(maps["image 0"] != 255)
    assert paint(owners, owners.copy(), [], 1) == 0
    with pytest.raises(ExchangeError, match="class ids"):
        write_label_data_set(tmp_path, [("x", np.full((2, 2), 9, np.uint8))], CLASS_LIST)
    with pytest.raises(ExchangeError, match="leaves the folder"):
        write_label_data_set(tmp_path, [("../x", np.zeros((2, 2), np.uint8))], CLASS_LIST)
