"""Files of every tool under other names, in other folders and encodings: the answer is the same."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from raymeta.exchange import read_answers

SAMPLES = Path(__file__).parent / "samples"
MANIFEST = SAMPLES / "16_raymeta_tasks.json"
FILES = {
    "cvat": "01_cvat_polygons_zorder.xml",
    "coco": "05_coco_polygons.json",
    "labelme": "09_labelme_polygon.json",
    "labelme of Windows": "10_labelme_mask_rectangle.json",
    "x-anylabeling": "11_xanylabeling.json",
    "darwin": "14_darwin_v2.json",
    "supervisely": "13_supervisely_hole_bitmap.json",
}
NAMES = (
    "T000001.PNG",
    "pictures/t000001.png",
    "C:\\data\\pictures\\t000001.png",
    "./t000001.jpg",
    "/somewhere/else/t000001.png",
    "https://pictures.example.org/t000001.png?signature=1%2F2",
    "file:///data/t000001.png",
    "%74000001.png",
    "t000001 .png",
    "t000001.png.png",
    "t000001_leftImg8bit.png",
    "0a1b2c3d-t000001.png",
)


def said(path: Path) -> list[tuple[str, bytes]]:
    return [(answer.task_id, answer.label_map.tobytes()) for answer in read_answers(path, MANIFEST)]


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("tool", FILES)
def test_a_file_is_known_by_its_content(tool: str, tmp_path: Path) -> None:
    sample = SAMPLES / FILES[tool]
    data, ending = sample.read_bytes(), sample.suffix
    stem = "t000001.png" if tool == "supervisely" else "Export (1) ä"  # the one that names no picture inside
    expected = said(sample)
    assert [task_id for task_id, _ in expected] == ["t000001"]
    text = re.sub("utf-8", "UTF-16", data.decode(), flags=re.IGNORECASE)
    for folder, name, content in (
        ("plain", stem + ending, data),
        ("upper", stem + ending.upper(), data),
        ("bom", stem + ending, b"\xef\xbb\xbf" + data),
        ("utf16", stem + ending, text.encode("utf-16")),
        ("crlf", stem + ending, data.replace(b"\n", b"\r\n")),
    ):
        assert said(put(tmp_path / folder / name, content)) == expected, folder
    put(tmp_path / "nested" / "a" / "b c" / (stem + ending.upper()), data)
    put(tmp_path / "nested" / "__MACOSX" / f"._{stem}{ending}", b"\x00\x05\x16\x07")
    put(tmp_path / "nested" / "notes.txt", b"{")
    assert said(tmp_path / "nested") == expected
    archive = tmp_path / "zipped" / "answers.ZIP"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(f"deep/er/{stem}{ending}", data)
        file.writestr(f"__MACOSX/deep/._{stem}{ending}", b"\x00\x05\x16\x07")
        file.writestr(".DS_Store", b"x")
    assert said(archive) == said(archive.parent) == expected


def renamed(content: Any, name: str) -> Any:
    """Parsed JSON with another name for the picture, and no other word about the task."""
    if isinstance(content, dict):
        return {key: renamed(value, name) for key, value in content.items() if key != "raymeta"}
    if isinstance(content, list):
        return [renamed(value, name) for value in content]
    return name if isinstance(content, str) and re.search(r"t000001.*\.png", content) else content


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tool", [tool for tool in FILES if tool != "supervisely"])
def test_a_picture_is_known_by_its_task_whatever_is_around_it(tool: str, name: str, tmp_path: Path) -> None:
    sample = SAMPLES / FILES[tool]
    text = sample.read_text()
    if sample.suffix == ".xml":
        other = re.sub('name="[^"]*t000001[^"]*"', lambda _: f'name="{name}"', text)
    else:
        other = json.dumps(renamed(json.loads(text), name))
    path = put(tmp_path / f"answers{sample.suffix}", other.encode())
    assert said(path) == said(sample)


@pytest.mark.parametrize("name", ["T000001.PNG", "t000001.jpg", "%74000001.png", "t000001 .png", "t000001"])
def test_a_file_without_a_name_inside_is_called_like_its_picture(name: str, tmp_path: Path) -> None:
    sample = SAMPLES / FILES["supervisely"]
    assert said(put(tmp_path / f"{name}.JSON", sample.read_bytes())) == said(sample)


def test_ids_that_differ_by_case_alone_stay_two(tmp_path: Path) -> None:
    manifest = json.loads(MANIFEST.read_text())
    manifest["tasks"].append(manifest["tasks"][0] | {"id": "T000001"})
    content = renamed(json.loads((SAMPLES / FILES["x-anylabeling"]).read_text()), "T000001.png")
    (answer,) = read_answers(put(tmp_path / "y.json", json.dumps(content).encode()), manifest)
    assert answer.task_id == "T000001"
