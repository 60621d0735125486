"""Files that lie, burst or break: refused whole with a sentence, never with a traceback, and nothing is written."""

import base64
import io
import json
import random
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from planar import NAMES, manifest_of, task_entry

from raymeta.exchange import FORMATS, DrawnPicture, ExchangeError, load_manifest, partition_shapes, read_answers
from raymeta.exchange.formats import writer_of

SAMPLES = Path(__file__).parent / "samples"
MANIFEST = json.loads((SAMPLES / "16_raymeta_tasks.json").read_text())
XML = '<?xml version="1.0" encoding="utf-8"?>'


def refuse(path: Path, *words: str) -> None:
    with pytest.raises(ExchangeError) as error:
        list(read_answers(path, MANIFEST))
    assert all(word in str(error.value) for word in words), str(error.value)


def cvat(shapes: str, head: str = "") -> str:
    image = f'<image id="0" name="t000001.png" width="64" height="64">{shapes}</image>'
    return f"{XML}{head}<annotations>{image}</annotations>"


def coco(segmentation: Any) -> str:
    image = {"id": 1, "file_name": "t000001.png", "width": 64, "height": 64}
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": segmentation}
    return json.dumps({"images": [image], "categories": [{"id": 1, "name": "car"}], "annotations": [annotation]})


def labelme(shape: dict[str, Any]) -> str:
    content = {"version": "6", "flags": {}, "imagePath": "t000001.png", "imageHeight": 64, "imageWidth": 64}
    return json.dumps(content | {"shapes": [{"label": "car", "flags": {}} | shape]})


def lying_png(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


HUGE_MASK = '<mask label="car" rle="0, 1000000000000" left="0" top="0" width="1000000" height="1000000"></mask>'


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.xml", cvat("", "<!DOCTYPE annotations>"), ["DOCTYPE"]),
        ("a.xml", cvat("", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), ["DOCTYPE"]),
        ("a.xml", cvat(HUGE_MASK), ["1000000×1000000"]),
        ("a.xml", cvat("<g>" * 100), ["nested"]),
        ("a.xml", cvat('<polygon label="car" points="0,0;1,1;2,0"')[:-40], ["line 1"]),
        ("a.xml", f"{XML}<annotation></annotation>", ["<annotation>"]),
        ("a.xml", f"{XML}<annotations><track></track></annotations>", ["video"]),
        ("a.xml", cvat("").replace("64", "640000000"), ["640000000"]),
        ("a.json", coco({"size": [10**6, 10**6], "counts": "abc"}), ["1000000×1000000"]),
        ("a.json", "[" * 200_000, ["nested"]),
        ("a.json", '{"a":' * 100_000, ["nested"]),
        ("a.json", '{"images": ' + "9" * 10_000 + "}", ["a.json"]),
        ("a.json", '{"some": "thing"}', ["none of the formats"]),
        ("a.json", "", ["is empty"]),
        ("a.xml", " \n", ["is empty"]),
        (
            "a.json",
            json.dumps([{"image": "t000001.png", "label": [], "annotation_id": 1, "lead_time": 2}]),
            ["JSON-MIN"],
        ),
        ("a.json", labelme({}).replace('"imageHeight": 64', '"imageHeight": 1e999'), ["imageHeight"]),
        ("a.json", json.dumps({"size": {"height": 64, "width": 64}, "objects": 5}), ["objects"]),
    ],
)
def test_refused_whole(name: str, text: str, words: list[str], tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    refuse(tmp_path / name, *words)


def test_pictures_that_lie_about_their_size(tmp_path: Path) -> None:
    data = lying_png(50_000, 50_000)
    mask = {"shape_type": "mask", "points": [[0, 0], [49_999, 49_999]], "mask": base64.b64encode(data).decode()}
    (tmp_path / "labelme.json").write_text(labelme(mask))
    refuse(tmp_path / "labelme.json")
    small = lying_png(8, 8) + b"rest"
    mask = {"shape_type": "mask", "points": [[0, 0], [20, 20]], "mask": base64.b64encode(small).decode()}
    (tmp_path / "small.json").write_text(labelme(mask))
    (answer,) = read_answers(tmp_path / "small.json", MANIFEST)
    assert answer.refused
    bomb = base64.b64encode(zlib.compress(b"\0" * (65 << 20))).decode()
    bitmap = {"classTitle": "car", "geometryType": "bitmap", "bitmap": {"data": bomb, "origin": [0, 0]}}
    (tmp_path / "t000001.png.json").write_text(json.dumps({"size": {"height": 64, "width": 64}, "objects": [bitmap]}))
    refuse(tmp_path / "t000001.png.json", "64 MiB")


@pytest.mark.parametrize(
    ("shape", "word"),
    [
        ('<mask label="car" rle="3, 14" left="0" top="0" width="6" height="4"></mask>', "17 px of runs for 6×4 px"),
        ('<mask label="car" rle="-3, 27" left="0" top="0" width="6" height="4"></mask>', "below 0"),
        ('<mask label="car" rle="a" left="0" top="0" width="6" height="4"></mask>', "'a'"),
        ('<polygon label="car" points="0,0;nan,1;2,2"></polygon>', "finite"),
        ('<polygon label="car" points="0,0;1e9,1;2,2"></polygon>', "beyond"),
        ('<polygon label="car" points="0,0;1,1"></polygon>', "2 points"),
        ('<polygon label="car" points=""></polygon>', "''"),
        ('<box label="car" xtl="0" ytl="0" xbr="x" ybr="2"></box>', "'x'"),
    ],
)
def test_faults_of_one_shape_refuse_its_answer(shape: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(cvat(shape))
    (answer,) = read_answers(tmp_path / "a.xml", MANIFEST)
    assert answer.refused
    assert (answer.label_map == 255).all()
    assert word in answer.faults[0], answer.faults


def _zip(path: Path, members: list[tuple[Any, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def test_hostile_archives(tmp_path: Path) -> None:
    good = cvat('<polygon label="car" points="0,0;64,0;64,64;0,64"></polygon>').encode()
    path = tmp_path / "a.zip"
    assert len(list(read_answers(_zip(path, [("annotations.xml", good)]), MANIFEST))) == 1
    for name in ("../x.xml", "/etc/x.xml", "a/../../x", "..\\x.xml", "C:\\x.xml"):
        refuse(_zip(path, [("annotations.xml", good), (name, b"")]), "leaves the folder")
    link = zipfile.ZipInfo("link.xml")
    link.external_attr = 0o120777 << 16
    refuse(_zip(path, [(link, b"/etc/passwd")]), "is a link")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb.xml", "w") as stream:
        for _ in range(1025):
            stream.write(b"\0" * (1 << 20))
    assert path.stat().st_size < 2 << 20
    refuse(path, "1 GiB")
    data = _zip(path, [("annotations.xml", good)]).read_bytes()
    path.write_bytes(data.replace(good[:30], good[:29] + b"!"))
    path.write_bytes(data[: len(data) // 2])
    refuse(path, "a.zip")
    refuse(_zip(path, [("annotations.xml", good[:-30])]), "annotations.xml")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.zip"]


def test_too_many_shapes(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(cvat('<polygon label="car" points="0,0;1,0;1,1"></polygon>' * 20_001))
    refuse(tmp_path / "a.xml", "20000 shapes")


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    import os

    refuse(tmp_path / "missing.json", "no such file")
    os.mkfifo(tmp_path / "pipe")
    refuse(tmp_path / "pipe", "regular file")
    refuse(Path("nul\0l"), "nul")
    reader = read_answers(tmp_path, MANIFEST)
    assert list(reader) == []
    assert reader.messages


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        [],
        b"",
        b"[[[",
        "/nowhere/raymeta_tasks.json",
        MANIFEST | {"format": "raymeta-tasks-2"},
        MANIFEST | {"classes": []},
        MANIFEST | {"tasks": [MANIFEST["tasks"][0]] * 2},
        MANIFEST | {"tasks": [MANIFEST["tasks"][0] | {"id": "../x"}]},
        MANIFEST | {"tasks": [MANIFEST["tasks"][0] | {"box": {"top": 0, "left": 0, "width": 48}}]},
        MANIFEST | {"tasks": [MANIFEST["tasks"][0] | {"scale": float("nan")}]},
    ],
)
def test_manifests_with_faults(manifest: Any) -> None:
    with pytest.raises(ExchangeError) as error:
        load_manifest(manifest)
    assert "raymeta_tasks" in str(error.value)


def _seeds() -> list[tuple[str, bytes]]:
    """Every sample, and every kind of file that we write."""
    import numpy as np

    found = [(path.name, path.read_bytes()) for path in sorted(SAMPLES.rglob("*")) if path.is_file()]
    label_map = np.zeros((64, 64), np.uint8)
    label_map[20:40, 10:50] = 1
    label_map[25:30, 15:20] = 255
    pictures = [DrawnPicture("t000001.png", 64, 64, "t000001", partition_shapes(label_map, NAMES))]
    manifest = load_manifest(manifest_of([task_entry("t000001", 64, 64)]))
    for name in FORMATS:
        members = list(writer_of(name)(pictures, manifest.classes))
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for path, data in members:
                archive.writestr(path, data)
        found += [(f"{name}.zip", stream.getvalue())]
        found += [(Path(path).name, data) for path, data in members if path.endswith((".json", ".xml"))]
    return found


def _damaged_bytes(data: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8])):
        at = rng.randrange(len(damaged) + 1)
        choice = rng.randrange(5)
        if choice == 0:
            damaged[at : at + rng.randrange(1, 30)] = b""
        elif choice == 1:
            damaged[at:at] = rng.choice(
                [b"-", b"9" * 25, b"\xff", b"\0", b"NaN", b"1e999", b'"', b"[", b"}", b"&#0;", b"\xed\xa0\x80"]
            )
        elif choice == 2 and at < len(damaged):
            damaged[at] = rng.randrange(256)
        elif choice == 3:
            start = rng.randrange(len(damaged) + 1)
            damaged[at:at] = damaged[start : start + 40]
        else:
            del damaged[at:]
    return bytes(damaged)


STRANGE: list[Any] = [
    None, True, -1, 0, 2**31, 2**63, 10**40, 1.5, float("nan"), float("inf"), "", "x", "\ud800", "car\n\x1b[31m",
    [], [[]], [None], [1, 2, 3], {}, {"a": []}, [[0, 0], [0, 0]], "nan", "t000001", -0.0, 1e308, [[1e308] * 6],
]  # fmt: skip


def _damaged_json(value: Any, rng: random.Random) -> Any:
    """The value with one place replaced, removed or doubled."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        changed = dict(value)
        if rng.random() < 0.15:
            del changed[key]
        else:
            changed[key] = _damaged_json(value[key], rng)
        return changed
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        changed_list = list(value)
        if rng.random() < 0.15:
            changed_list.insert(at, value[at])
        else:
            changed_list[at] = _damaged_json(value[at], rng)
        return changed_list
    return rng.choice(STRANGE)


def _check(path: Path, manifest: Any) -> None:
    try:
        reader = read_answers(path, manifest)
        for answer in reader:
            assert answer.label_map.dtype == "uint8"
            assert not answer.refused or (answer.faults and (answer.label_map == 255).all())
            assert len(answer.content_sha256()) == 64
            assert all(map(str.isprintable, answer.messages))
            assert answer.who is None or answer.who.isprintable()
        assert all(map(str.isprintable, reader.messages))
    except ExchangeError as error:
        if not all(map(str.isprintable, str(error).splitlines())):
            pytest.fail(f"controls the terminal: {error!r}")


@pytest.mark.parametrize("damage", ["bytes", "values"])
@pytest.mark.parametrize("seed", range(4))
def test_any_bytes_end_in_our_own_error(damage: str, seed: int, tmp_path: Path) -> None:
    rng = random.Random(f"{damage} {seed}")
    for name, data in _seeds():
        for index in range(6):
            if damage == "values" and name.endswith(".json"):
                try:
                    changed = _damaged_json(json.loads(data), rng)
                except ValueError:
                    continue
                damaged = json.dumps(changed, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
            elif damage == "bytes":
                damaged = _damaged_bytes(data, rng)
            else:
                continue
            path = tmp_path / f"{index}{Path(name).suffix}"
            path.write_bytes(damaged)
            _check(path, MANIFEST)


@pytest.mark.parametrize("seed", range(3))
def test_any_manifest_ends_in_our_own_error(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(100):
        manifest = _damaged_json(MANIFEST, rng)
        _check(SAMPLES / "01_cvat_polygons_zorder.xml", [] if isinstance(manifest, str) else manifest)
