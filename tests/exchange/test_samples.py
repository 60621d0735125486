"""Real files of every tool: areas pixel for pixel, and what is said about them. samples/EXPECTED of the design."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from raymeta.exchange import Answer, AnswerReader, ExchangeError, read_answers

SAMPLES = Path(__file__).parent / "samples"
MANIFEST = SAMPLES / "16_raymeta_tasks.json"
NAMES = ("road", "building", "vegetation", "sky", "car", "person")


def read(name: str, **options: Any) -> tuple[dict[str, Answer], AnswerReader]:
    reader = read_answers(SAMPLES / name, MANIFEST, **options)
    return {answer.task_id: answer for answer in reader}, reader


def areas(answer: Answer) -> dict[str, int]:
    counts = Counter(answer.label_map.ravel().tolist())
    return {NAMES[value] if value < 6 else "none": count for value, count in counts.items()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("01_cvat_polygons_zorder.xml", {"road": 1260, "building": 712, "car": 212, "person": 120}),
        ("04_cvat_segmentation_mask.zip", {"road": 1120, "sky": 688, "car": 480, "none": 16}),
        ("05_coco_polygons.json", {"road": 1604, "building": 400, "car": 300}),
        ("09_labelme_polygon.json", {"road": 664, "sky": 576, "car": 266, "none": 798}),
        ("10_labelme_mask_rectangle.json", {"building": 1919, "car": 290, "none": 95}),
        ("11_xanylabeling.json", {"road": 1248, "building": 1056}),
        ("14_darwin_v2.json", {"road": 684, "building": 1392, "car": 84, "none": 144}),
        ("19_cvat_shared_border.xml", {"road": 1145, "building": 1159}),
    ],
)
def test_areas_in_the_box(name: str, expected: dict[str, int]) -> None:
    answers, _ = read(name)
    assert list(answers) == ["t000001"]
    assert areas(answers["t000001"]) == expected
    assert answers["t000001"].uncovered == expected.get("none", 0)
    assert not answers["t000001"].refused


def test_cvat_probes_marks_and_clicks() -> None:
    answer = read("01_cvat_polygons_zorder.xml")[0]["t000001"]
    probes = {(27, 25): "car", (27, 35): "car", (45, 29): "person", (31, 36): "road", (20, 40): "road"}
    probes[19, 40] = "building"
    assert {at: NAMES[answer.label_map[at[0] - 8, at[1] - 8]] for at in probes} == probes
    marks = {shape.label: (shape.mark, shape.pixels) for shape in answer.shapes}
    assert marks["road"][0] == "unchanged"
    assert {marks[name][0] for name in ("building", "car", "person")} == {"new"}
    assert marks["sky"][1] == 0, "wholly hidden"
    assert answer.clicks.polygon == 2 + 4 + 3
    assert (answer.clicks.box, answer.clicks.class_, answer.clicks.confirm) == (0, 3, 1)
    assert answer.deleted == ("p1",)
    assert any("3 px" in fault for fault in answer.faults), "the box was dragged"
    np.testing.assert_array_equal(answer.shapes[1].rings[0][0], [32, 16], "in the stored image")


def test_whole_images_answer_their_boxes() -> None:
    answers, reader = read("03_cvat_same_basename_unicode.xml")
    assert areas(answers["t000001"]) == {"vegetation": 2304}
    assert areas(answers["w000001"]) == {"vegetation": 96 * 128}
    assert areas(answers["t000002"]) == {"sky": 1440, "none": 864}
    assert areas(answers["t000003"]) == {"car": 960, "none": 1344}
    assert any("72 px outside" in fault for fault in answers["t000003"].faults)
    assert "t000004" not in answers
    assert reader.unanswered == ["t000004"]


def test_masks_have_no_clicks() -> None:
    clicks = read("04_cvat_segmentation_mask.zip")[0]["t000001"].clicks
    assert (clicks.polygon, clicks.intersection, clicks.box, clicks.class_) == (None, None, 0, None)


def test_coco_unites_rings_and_tells_what_it_had_to_guess() -> None:
    answers, reader = read("05_coco_polygons.json")
    text = " ".join(answers["t000001"].messages)
    assert "'car'" in text
    assert "two shapes" in text
    assert reader.unanswered == ["t000002"]
    assert "outline" in " ".join(reader.messages)


def test_x_anylabeling_keeps_marks() -> None:
    answer = read("11_xanylabeling.json")[0]["t000001"]
    assert [(shape.label, shape.mark, shape.prelabel) for shape in answer.shapes] == [
        ("road", "unchanged", "p1"),
        ("building", "new", None),
    ]
    assert answer.format == "x-anylabeling"
    assert (answer.seconds, answer.who) == (None, None)
    assert answer.messages == ()


def test_labelme_holes_and_windows_paths() -> None:
    label_map = read("10_labelme_mask_rectangle.json")[0]["t000001"].label_map
    probes = {(18, 20): "building", (18, 21): "car", (24, 27): "building", (32, 40): "car", (33, 40): "building"}
    assert {at: NAMES[label_map[at[0] - 8, at[1] - 8]] for at in probes} == probes


def test_supervisely_file_is_named_like_its_picture(tmp_path: Path) -> None:
    data = (SAMPLES / "13_supervisely_hole_bitmap.json").read_bytes()
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "t000001.png.json").write_bytes(data)
    (answer,) = read_answers(tmp_path, MANIFEST)
    assert areas(answer) == {"building": 2027, "car": 177, "none": 100}
    probes = {(30, 30): 1, (40, 36): 4, (44, 41): 1, (51, 51): 4, (25, 25): 255, (20, 20): 255}
    assert {at: int(answer.label_map[at[0] - 8, at[1] - 8]) for at in probes} == probes
    assert answer.who == "ann"
    # Three pictures have its size, and its own name is none of theirs: read with a fault, and no import takes it.
    (doubtful,) = read_answers(SAMPLES / "13_supervisely_hole_bitmap.json", MANIFEST)
    assert areas(doubtful) == areas(answer)
    assert (doubtful.task_id, doubtful.doubtful, doubtful.refused) == ("t000001", True, False)
    assert "t000003" in doubtful.faults[0]
    one = json.loads(MANIFEST.read_text())
    one["tasks"] = one["tasks"][:2]
    (alone,) = read_answers(SAMPLES / "13_supervisely_hole_bitmap.json", one)
    assert alone.task_id == "t000001", "the only picture of its size"
    assert not alone.doubtful


def _with_task(**task: Any) -> dict[str, Any]:
    manifest = json.loads(MANIFEST.read_text())
    manifest["tasks"].append(task)
    return manifest


def test_label_studio_turned_picture() -> None:
    path = SAMPLES / "07_labelstudio_polygons_exif.json"
    _, reader = read(path.name)
    assert reader.strangers == ["e000001"]
    stored = {"id": "e000001", "image_id": "portrait", "crop": {"top": 0, "left": 0, "height": 96, "width": 128}}
    stored |= {"box": {"top": 24, "left": 64, "width": 48}, "orientation": 6}
    reader = read_answers(path, _with_task(**stored))
    (refused,) = reader
    assert refused.refused
    assert "96×128" in refused.faults[0]
    assert "orientation 6" in refused.faults[0]
    (skip,) = reader.skipped
    assert (skip.task_id, skip.who, skip.seconds, skip.seconds_source) == (
        "t000004",
        "ben@example.org",
        7.5,
        "ls_lead_time",
    )
    (answer,) = read_answers(path, _with_task(**stored), turn_back=True)
    assert areas(answer) == {"road": 1128, "car": 864, "person": 312}
    (whole,) = read_answers(path, _with_task(**(stored | {"box": None})), turn_back=True)
    assert areas(whole) == {"road": 4968, "building": 5856, "car": 864, "person": 600}
    probes = {(0, 80): "road", (50, 70): "road", (60, 90): "car", (95, 0): "building"}
    assert {at: NAMES[whole.label_map[at]] for at in probes} == probes
    assert [(s.mark, s.prelabel) for s in whole.shapes] == [
        (m, None) for m in ("unchanged", "unchanged", "edited", "new")
    ]
    assert (whole.who, whole.seconds) == ("ann@example.org", 41.25)


def test_label_studio_shown_frame() -> None:
    shown = {"id": "e000001", "image_id": "portrait", "crop": {"top": 0, "left": 0, "height": 128, "width": 96}}
    shown["box"] = {"top": 64, "left": 24, "width": 48}
    (answer,) = read_answers(SAMPLES / "07_labelstudio_polygons_exif.json", _with_task(**shown))
    assert areas(answer) == {"road": 1128, "car": 864, "person": 312}


def test_predictions_are_no_answers() -> None:
    answers, reader = read("17_export_labelstudio_tasks.json")
    assert answers == {}
    assert "0 annotations" in reader.messages[0]


@pytest.mark.parametrize("crop", [(192, 256), (96, 128)])
def test_resized_data_set(crop: tuple[int, int]) -> None:
    big: dict[str, Any] = {"id": "t000009", "image_id": "big", "scale": 0.5, "file": "pool/big.png"}
    big |= {"crop": {"top": 0, "left": 0, "height": crop[0], "width": crop[1]}}
    big["box"] = {"top": 24, "left": 40, "width": 48}
    (answer,) = read_answers(SAMPLES / "18_labelme_resized_dataset.json", _with_task(**big))
    assert areas(answer) == {"road": 1152, "none": 1152}
    assert answer.label_map[:24].min() == 255
    del big["file"]
    (by_image,) = read_answers(SAMPLES / "18_labelme_resized_dataset.json", _with_task(**big))
    np.testing.assert_array_equal(by_image.label_map, answer.label_map)


def test_unknown_labels_are_told_once_and_mapped() -> None:
    name = "15_faulty/a_unknown_label.xml"
    answer = read(name)[0]["t000001"]
    assert answer.refused
    assert (answer.label_map == 255).all()
    assert len(answer.faults) == 1
    for part in ("'Car '", "nearest is 'car'", "'Car =car'", "'truck=void'"):
        assert part in answer.faults[0]
    mapped = read(name, class_map=["Car =car", "truck=void"])[0]["t000001"]
    assert not mapped.refused
    assert areas(mapped) == {"car": 16 * 16 - 44, "none": 2304 - 212}, "void covers 44 px of the car"
    with pytest.raises(ExchangeError, match="nearest is 'car'"):
        read(name, class_map=["truck=Car"])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("c_entities.xml", ["DOCTYPE"]),
        ("f_wrong_size.json", ["640×640", "64×64"]),
        ("g_zip_slip.zip", ["'../../outside.txt'"]),
        ("k_truncated.json", ["k_truncated.json", "line 56", "column"]),
    ],
)
def test_refused_whole(name: str, words: list[str]) -> None:
    with pytest.raises(ExchangeError) as error:
        read_answers(SAMPLES / "15_faulty" / name, MANIFEST)
    assert all(word in str(error.value) for word in words)


def test_faulty_answers() -> None:
    nan = read("15_faulty/d_nan.json")[0]["t000001"]
    assert nan.refused
    assert "annotation 1" in nan.faults[0]
    assert "finite" in nan.faults[0]
    both = list(read_answers(SAMPLES / "15_faulty" / "i_two_annotators_disagree.json", MANIFEST))
    assert [(answer.task_id, answer.who, areas(answer)) for answer in both] == [
        ("t000001", "4", {"road": 2304}),
        ("t000001", "5", {"building": 2304}),
    ]
    answers, reader = read("15_faulty/j_missing_image.xml")
    assert list(answers) == ["t000001"]
    assert reader.strangers == ["t999999.png"]


def test_uncovered_policies() -> None:
    name = "14_darwin_v2.json"
    assert any("144 of 2304 px" in fault for fault in read(name)[0]["t000001"].faults)
    void = read(name, uncovered="void")[0]["t000001"]
    assert (void.faults, areas(void)["none"], void.uncovered) == ((), 144, 144)
    assert areas(read(name, uncovered="sky")[0]["t000001"])["sky"] == 144
    refused = read(name, uncovered="refuse")[0]["t000001"]
    assert refused.refused
    assert areas(refused) == {"none": 2304}
    with pytest.raises(ExchangeError, match="'trees'"):
        read(name, uncovered="trees")


def test_format_can_be_forced() -> None:
    assert read("05_coco_polygons.json", format="coco")[0]
    with pytest.raises(ExchangeError, match="coco, not labelme"):
        read("05_coco_polygons.json", format="labelme")
    with pytest.raises(ExchangeError, match="choose one of"):
        read("05_coco_polygons.json", format="voc")


def test_a_folder_of_everything() -> None:
    reader = read_answers(SAMPLES, MANIFEST)
    answers = list(reader)
    assert len(answers) > 10
    assert len(reader.refused_files) == 4, "one bad file doesn't lose the others"
    same = {answer.content_sha256() for answer in answers}
    assert same == {answer.content_sha256() for answer in read_answers(SAMPLES, MANIFEST)}


@pytest.mark.parametrize(
    ("vertex", "mark", "inside"), [([0.01, 29.99], "unchanged", 0), ([0.5, 30.5], "edited", 0), ([10, 34], "edited", 1)]
)
def test_only_moved_vertices_are_clicks(vertex: list[float], mark: str, inside: int, tmp_path: Path) -> None:
    content = json.loads((SAMPLES / "11_xanylabeling.json").read_text())
    content["shapes"][1]["points"][0] = vertex
    (tmp_path / "a.json").write_text(json.dumps(content))
    (answer,) = read_answers(tmp_path / "a.json", MANIFEST)
    assert answer.shapes[0].mark == mark
    assert answer.clicks.polygon == inside, "of the moved vertex alone"
    assert answer.clicks.intersection == 4, "of the new building, whose vertices lie outside the box"
    assert answer.clicks.class_ == 1


def test_a_new_class_for_a_predicted_shape_is_one_click(tmp_path: Path) -> None:
    content = json.loads((SAMPLES / "11_xanylabeling.json").read_text())
    content["shapes"][1]["label"] = "car"
    (tmp_path / "a.json").write_text(json.dumps(content))
    (answer,) = read_answers(tmp_path / "a.json", MANIFEST)
    assert (answer.shapes[0].mark, answer.shapes[0].prelabel) == ("edited", "p1")
    assert (answer.clicks.polygon, answer.clicks.class_) == (0, 2)


@pytest.mark.parametrize(
    "shape",
    [
        '<ellipse label="road" cx="32" cy="32" rx="20" ry="10" rotation="30"></ellipse>',
        '<box label="road" xtl="12" ytl="12" xbr="50" ybr="50"></box>',
    ],
)
def test_an_ellipse_and_a_rectangle_are_two_clicks(shape: str, tmp_path: Path) -> None:
    image = f'<image id="0" name="t000001.png" width="64" height="64">{shape}</image>'
    (tmp_path / "a.xml").write_text(f"<annotations>{image}</annotations>")
    (answer,) = read_answers(tmp_path / "a.xml", MANIFEST)
    assert (answer.clicks.polygon, answer.clicks.intersection) == (2, 0)
