"""What is written in a format reads back as the same raster, pixel for pixel."""

import json
from pathlib import Path

import numpy as np
import pytest
from planar import NAMES, manifest_of, random_partition, task_entry

from raymeta.exchange import FORMATS, DrawnPicture, load_manifest, partition_shapes, read_answers, write_pictures
from raymeta.exchange.coco import write as write_coco
from raymeta.exchange.label_studio import write as write_label_studio


def pictures_of(label_maps: dict[str, np.ndarray], **more: object) -> list[DrawnPicture]:
    return [
        DrawnPicture(f"{task_id}.png", *label_map.shape, task_id, partition_shapes(label_map, NAMES), **more)  # type: ignore[arg-type]
        for task_id, label_map in label_maps.items()
    ]


def random_maps(seed: int, count: int = 8) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        f"t{number:06d}": random_partition(rng, *map(int, rng.integers(2, 40, 2)), holes=number % 2 == 0)
        for number in range(count)
    }


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("seed", range(4))
def test_random_partitions(name: str, seed: int, tmp_path: Path) -> None:
    maps = random_maps(seed)
    manifest = load_manifest(manifest_of([task_entry(task_id, *each.shape) for task_id, each in maps.items()]))
    write_pictures(tmp_path, pictures_of(maps), manifest.classes, name)
    reader = read_answers(tmp_path, manifest)
    answers = {answer.task_id: answer for answer in reader}
    assert set(answers) | set(reader.unanswered) == set(maps)
    for task_id, answer in answers.items():
        np.testing.assert_array_equal(answer.label_map, maps[task_id], err_msg=f"{name} {task_id}")
        assert not answer.refused
        if name != "cityscapes":  # there, what is enclosed and unknown is painted void
            assert answer.uncovered == np.count_nonzero(maps[task_id] == 255)
        assert answer.format == name
    assert all((maps[task_id] == 255).all() for task_id in reader.unanswered)


@pytest.mark.parametrize("kind", ["bitmask", "coco list"])
def test_other_ways_to_write_masks(kind: str, tmp_path: Path) -> None:
    maps = random_maps(11)
    manifest = load_manifest(manifest_of([task_entry(task_id, *each.shape) for task_id, each in maps.items()]))
    if kind == "bitmask":
        files = write_label_studio(pictures_of(maps), manifest.classes, bitmasks=True)
    else:
        files = write_coco(pictures_of(maps), manifest.classes, packed=False)
    for name, data in files:
        (tmp_path / name).write_bytes(data)
        for answer in read_answers(tmp_path / name, manifest):
            np.testing.assert_array_equal(answer.label_map, maps[answer.task_id])


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "cvat-masks"])
def test_undecidable(name: str, tmp_path: Path) -> None:
    manifest = load_manifest(manifest_of([task_entry("t000001", 5, 7)]))
    picture = DrawnPicture("t000001.png", 5, 7, "t000001", verdict="undecidable")
    write_pictures(tmp_path, [picture], manifest.classes, name)
    (answer,) = read_answers(tmp_path, manifest)
    assert answer.undecidable
    assert not answer.refused
    assert (answer.label_map == 255).all()


@pytest.mark.parametrize("name", FORMATS)
def test_void_is_an_answer(name: str, tmp_path: Path) -> None:
    label_map = np.zeros((6, 9), np.uint8)
    label_map[2:4, 3:6] = 255
    manifest = load_manifest(manifest_of([task_entry("t000001", 6, 9)]))
    shapes = partition_shapes(label_map, NAMES, void=label_map == 255)
    write_pictures(tmp_path, [DrawnPicture("t000001.png", 6, 9, "t000001", shapes)], manifest.classes, name)
    (answer,) = read_answers(tmp_path, manifest)
    np.testing.assert_array_equal(answer.label_map, label_map)
    assert answer.uncovered == 0


def test_a_box_in_a_crop_at_half_scale(tmp_path: Path) -> None:
    """Each pixel of the data set takes the class under its centre, in the larger picture."""
    rng = np.random.default_rng(5)
    picture = random_partition(rng, 40, 60, holes=False)
    entry = task_entry("t000001", 40, 60) | {"crop": {"top": 20, "left": 10, "height": 40, "width": 60}, "scale": 0.5}
    entry["box"] = {"top": 12, "left": 8, "width": 10}
    manifest = load_manifest(manifest_of([entry]))
    write_pictures(tmp_path, pictures_of({"t000001": picture}), manifest.classes, "cvat")
    (answer,) = read_answers(tmp_path, manifest)
    # The centre of pixel (r, c) lies at 2r + 1, 2c + 1 of the picture, a pixel corner. Half-open: the pixel below it
    # and to its right.
    rows, columns = 2 * (12 + np.arange(10)) + 1 - 20, 2 * (8 + np.arange(10)) + 1 - 10
    np.testing.assert_array_equal(answer.label_map, picture[rows[:, None], columns])


def test_prelabels_come_back_unchanged(tmp_path: Path) -> None:
    label_map = np.zeros((20, 30), np.uint8)
    label_map[5:9, 7:15] = 3
    shapes = partition_shapes(label_map, NAMES)
    prelabels = [
        {"id": f"p{index}", "label": shape.label, "points": shape.rings[0].tolist()}
        for index, shape in enumerate(shapes)
    ]
    entry = task_entry("t000001", 20, 30, prelabels=prelabels)
    manifest = load_manifest(manifest_of([entry]))
    for name in ("cvat", "labelme", "x-anylabeling", "label-studio", "coco", "supervisely", "darwin"):
        write_pictures(tmp_path / name, pictures_of({"t000001": label_map}), manifest.classes, name)
        for answer in read_answers(tmp_path / name, manifest):
            if name not in ("supervisely", "darwin", "coco"):  # these write the hole
                assert {shape.mark for shape in answer.shapes} == {"unchanged"}
                assert (answer.clicks.polygon, answer.clicks.class_, answer.clicks.confirm) == (0, 0, 1), name
                assert answer.deleted == ()


def test_an_untouched_export_is_no_answer(tmp_path: Path) -> None:
    from hashlib import sha256

    maps = random_maps(3, count=2)
    tasks = [task_entry(task_id, *each.shape) for task_id, each in maps.items()]
    manifest = load_manifest(manifest_of(tasks))
    paths = write_pictures(tmp_path, pictures_of(maps), manifest.classes, "labelme", answered=False)
    digests = {path.name: sha256(path.read_bytes()).hexdigest() for path in paths}
    known = manifest_of(tasks) | {"untouched": digests}
    assert list(read_answers(tmp_path, known)) == []
    (tmp_path / "raymeta_tasks.json").write_text(json.dumps(known))
    assert list(read_answers(tmp_path, manifest)) == [], "the list beside the files tells"
    saved = json.loads((tmp_path / "t000000.json").read_text())
    (tmp_path / "t000000.json").write_text(json.dumps(saved | {"version": "6.3.2"}))
    assert [answer.task_id for answer in read_answers(tmp_path, manifest)] == ["t000000"], "saved unchanged: confirmed"
