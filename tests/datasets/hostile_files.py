"""Odd and hostile files, each with what becomes of it; docs/reliability.md shows this list."""

import json
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from dataset_layouts import HEIGHT, POLYGONS, WIDTH, picture
from PIL import Image

Kind = Literal["image", "label map", "polygons", "class list", "file name"]


@dataclass(frozen=True)
class HostileFile:
    """A file of one kind. outcome: "read", or what its error says; why: shown in the documentation."""

    kind: Kind
    name: str
    make: Callable[[], bytes]
    outcome: str
    why: str = ""


def png(width: int, height: int, bits: int, color: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG written by hand; rows: each with its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    parts = [_chunk(b"IHDR", header), extra, _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def grey_png(bits: int, value: int) -> bytes:
    """A grey PNG of HEIGHT×WIDTH, every pixel `value` of `bits` bits."""
    packed = int(f"{value:0{bits}b}" * (8 // bits), 2) if bits < 8 else value
    row = b"\0" + bytes([packed]) * (-(-WIDTH * bits // 8))
    return png(WIDTH, HEIGHT, bits, 0, row * HEIGHT)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def rgb(mode: str = "RGB") -> Image.Image:
    return Image.fromarray(picture()).convert(mode)


def labels(dtype: type = np.uint8, value: int = 10, mode: str | None = None, size: tuple[int, int] = (HEIGHT, WIDTH)):
    image = Image.fromarray(np.full(size, value, dtype))
    return image.convert(mode) if mode else image


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(rgb(), "JPEG", exif=exif)


def frames(kind: str) -> bytes:
    return saved(rgb(), kind, save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))])


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes, back: int) -> bytes:
    """One bit flipped `back` bytes before the end."""
    at = len(data) - back
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


def text_bomb() -> bytes:
    """A PNG with a text chunk that decompresses to 256 MiB."""
    chunk = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(256 << 20)))
    row = b"\0" + bytes(3 * WIDTH)
    return png(WIDTH, HEIGHT, 8, 2, row * HEIGHT, chunk)


def polygons(points: Any = None, **changes: Any) -> bytes:
    objects = POLYGONS["objects"] if points is None else [{"label": "car", "polygon": points}]
    return json.dumps(POLYGONS | {"objects": objects} | changes).encode()


CLASS_LIST = "classes:\n  - {name: ground, value: 10}\n  - {name: thing, value: 20}\n"
LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 9))
SQUARE = [[2, 2], [9, 2], [9, 9], [2, 9]]

NO_IMAGE = "no PNG, JPEG, TIFF, WEBP or BMP file"
NO_LABELS = "no PNG, TIFF or BMP file"

IMAGES = [
    HostileFile("image", "RGB PNG", lambda: saved(rgb(), "PNG"), "read"),
    HostileFile("image", "JPEG with ending .png", lambda: saved(rgb(), "JPEG"), "read", "the content decides"),
    HostileFile("image", "progressive JPEG", lambda: saved(rgb(), "JPEG", progressive=True), "read"),
    HostileFile("image", "grey JPEG", lambda: saved(rgb("L"), "JPEG"), "read", "becomes RGB"),
    HostileFile("image", "CMYK JPEG", lambda: saved(rgb("CMYK"), "JPEG"), "read", "becomes RGB"),
    HostileFile("image", "palette PNG", lambda: saved(rgb("P"), "PNG"), "read", "becomes RGB"),
    HostileFile("image", "PNG with alpha", lambda: saved(rgb("RGBA"), "PNG"), "read", "alpha is dropped"),
    HostileFile("image", "grey PNG with alpha", lambda: saved(rgb("LA"), "PNG"), "read", "alpha is dropped"),
    HostileFile("image", "1-bit PNG", lambda: saved(rgb("1"), "PNG"), "read", "becomes black and white RGB"),
    HostileFile("image", "interlaced 2-bit grey PNG", lambda: grey_png(2, 1), "read", "becomes RGB"),
    HostileFile(
        "image",
        "16-bit RGB PNG",
        lambda: png(WIDTH, HEIGHT, 16, 2, (b"\0" + bytes(6 * WIDTH)) * HEIGHT),
        "read",
        "the upper 8 bits are taken",
    ),
    HostileFile(
        "image", "16-bit grey PNG", lambda: saved(labels(np.uint16, 40000), "PNG"), "read", "the upper 8 bits are taken"
    ),
    HostileFile("image", "EXIF orientation 1", lambda: turned(1), "read"),
    HostileFile("image", "EXIF orientation 3", lambda: turned(3), "EXIF orientation 3"),
    HostileFile("image", "EXIF orientation 6", lambda: turned(6), "EXIF orientation 6"),
    HostileFile("image", "EXIF rubbish", lambda: saved(rgb(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff"), "read"),
    HostileFile("image", "animated PNG", lambda: frames("PNG"), "animation of 2 frames"),
    HostileFile("image", "animated GIF", lambda: frames("GIF"), NO_IMAGE),
    HostileFile("image", "animated WebP", lambda: frames("WEBP"), "animation of 2 frames"),
    HostileFile("image", "TIFF with ending .png", lambda: saved(rgb(), "TIFF"), "read", "the content decides"),
    HostileFile("image", "BMP with ending .png", lambda: saved(rgb(), "BMP"), "read", "the content decides"),
    HostileFile("image", "WebP", lambda: saved(rgb(), "WEBP"), "read"),
    HostileFile("image", "32-bit grey TIFF", lambda: saved(labels(np.int32, 40000), "TIFF"), "mode I"),
    HostileFile("image", "TIFF of two pages", lambda: frames("TIFF"), "file of 2 pages"),
    HostileFile("image", "TIFF cut in half", lambda: half(saved(rgb(), "TIFF")), "can't be"),
    HostileFile("image", "PostScript with ending .png", lambda: saved(rgb(), "EPS"), NO_IMAGE),
    HostileFile("image", "PDF with ending .png", lambda: saved(rgb(), "PDF"), NO_IMAGE),
    HostileFile("image", "empty file", lambda: b"", NO_IMAGE),
    HostileFile("image", "text", lambda: b"no image at all", NO_IMAGE),
    HostileFile("image", "PNG signature alone", lambda: b"\x89PNG\r\n\x1a\n", "can't be"),
    HostileFile("image", "PNG cut in half", lambda: half(saved(rgb(), "PNG")), "damaged or truncated"),
    HostileFile("image", "JPEG cut in half", lambda: half(saved(rgb(), "JPEG")), "runcated"),
    HostileFile("image", "PNG with a flipped bit", lambda: flipped(saved(rgb(), "PNG"), 99), "broken PNG"),
    HostileFile(
        "image", "JPEG with a flipped bit", lambda: flipped(saved(rgb(), "JPEG"), 9), "read", "has no checksum"
    ),
    HostileFile("image", "PNG of 100,000 × 100,000", lambda: png(100_000, 100_000, 8, 2, b""), "decompression bomb"),
    HostileFile("image", "PNG of 0 × 0", lambda: png(0, 0, 8, 2, b""), "can't be"),
    HostileFile("image", "PNG with a text bomb", text_bomb, "can't be"),
    HostileFile("image", "1 × 1 PNG", lambda: png(1, 1, 8, 2, b"\0\0\0\0"), "read"),
]

LABEL_MAPS = [
    HostileFile("label map", "8-bit PNG", lambda: saved(labels(), "PNG"), "read"),
    HostileFile("label map", "palette PNG", lambda: saved(labels(mode="P"), "PNG"), "read", "the index counts"),
    HostileFile("label map", "4-bit grey PNG", lambda: grey_png(4, 10), "read", "values as stored"),
    HostileFile("label map", "2-bit grey PNG", lambda: grey_png(2, 3), "label values 3", "values as stored"),
    HostileFile("label map", "1-bit PNG", lambda: grey_png(1, 1), "label values 1", "values as stored"),
    HostileFile("label map", "RGB PNG", lambda: saved(labels(mode="RGB"), "PNG"), "mode RGB"),
    HostileFile("label map", "PNG with alpha", lambda: saved(labels(mode="LA"), "PNG"), "mode LA"),
    HostileFile("label map", "16-bit PNG", lambda: saved(labels(np.uint16), "PNG"), "read"),
    HostileFile("label map", "16-bit PNG, large values", lambda: saved(labels(np.uint16, 999), "PNG"), "value 999"),
    HostileFile("label map", "TIFF", lambda: saved(labels(), "TIFF"), "read"),
    HostileFile("label map", "BMP", lambda: saved(labels(), "BMP"), "read"),
    HostileFile("label map", "WebP", lambda: saved(labels(mode="RGB"), "WEBP"), NO_LABELS, "WebP changes values"),
    HostileFile("label map", "JPEG", lambda: saved(labels(), "JPEG"), NO_LABELS, "JPEG changes values"),
    HostileFile("label map", "GIF", lambda: saved(labels(), "GIF"), NO_LABELS),
    HostileFile("label map", "other size", lambda: saved(labels(size=(5, 6)), "PNG"), "label map of 5×6"),
    HostileFile("label map", "unknown value", lambda: saved(labels(value=99), "PNG"), "label values 99"),
    HostileFile("label map", "void only", lambda: saved(labels(value=255), "PNG"), "read"),
    HostileFile(
        "label map", "cut in half", lambda: half(saved(Image.fromarray(picture()[..., 0]), "PNG")), "truncated"
    ),
    HostileFile("label map", "empty file", lambda: b"", NO_LABELS),
    HostileFile("label map", "animated PNG", lambda: frames("PNG"), "animation of 2 frames"),
]

POLYGON_FILES = [
    HostileFile("polygons", "plain", polygons, "read"),
    HostileFile("polygons", "self-crossing", lambda: polygons([[0, 0], [9, 9], [9, 0], [0, 9]]), "read"),
    HostileFile("polygons", "hole by a bridge", lambda: polygons([*SQUARE, [4, 4], [6, 4], [6, 6]]), "read"),
    HostileFile("polygons", "all points alike", lambda: polygons([[3, 3]] * 3), "read"),
    HostileFile("polygons", "out of the image", lambda: polygons([[-9, -9], [99, -9], [99, 99]]), "read"),
    HostileFile("polygons", "coordinates of 1e300", lambda: polygons([[0, 0], [1e300, 0], [0, 1e300]]), "read", "cut"),
    HostileFile("polygons", "no objects", lambda: polygons(objects=[]), "read"),
    HostileFile("polygons", "two points", lambda: polygons([[1, 1], [2, 2]]), "at least 3"),
    HostileFile("polygons", "no points", lambda: polygons([]), "a list of"),
    HostileFile("polygons", "NaN", lambda: polygons([[0, 0], [float("nan"), 0], [1, 1]]), "finite number"),
    HostileFile("polygons", "infinite", lambda: polygons([[0, 0], [float("inf"), 0], [1, 1]]), "finite number"),
    HostileFile("polygons", "text for numbers", lambda: polygons([["0", "0"], ["1", "0"], ["1", "1"]]), "a number"),
    HostileFile("polygons", "true for a number", lambda: polygons([[True, 0], [1, 0], [1, 1]]), "a number"),
    HostileFile("polygons", "number of 400 digits", lambda: polygons([[0, 0], [10**400, 0], [1, 1]]), "a list of"),
    HostileFile("polygons", "three coordinates", lambda: polygons([[0, 0, 0], [1, 0, 0], [1, 1, 0]]), "a list of"),
    HostileFile("polygons", "ragged points", lambda: polygons([[0, 0], [1], [1, 1]]), "a list of"),
    HostileFile("polygons", "unknown label", lambda: polygons(objects=[{"label": "dragon"}]), "label 'dragon'"),
    HostileFile("polygons", "label that is a list", lambda: polygons(objects=[{"label": []}]), "isn't a name"),
    HostileFile("polygons", "missing keys", lambda: b"{}", "'objects' isn't a list"),
    HostileFile("polygons", "other size than the image", lambda: polygons(imgHeight=99), "polygons of 99×20"),
    HostileFile("polygons", "negative size", lambda: polygons(imgHeight=-1), "imgHeight -1"),
    HostileFile("polygons", "a list", lambda: b"[]", "holds a list"),
    HostileFile("polygons", "nested 100,000 deep", lambda: b"[" * 100_000, "polygons don't parse"),
    HostileFile("polygons", "cut in half", lambda: half(polygons()), "polygons don't parse"),
    HostileFile("polygons", "empty file", lambda: b"", "polygons don't parse"),
    HostileFile("polygons", "UTF-16", lambda: polygons().decode().encode("utf-16"), "polygons don't parse"),
    HostileFile("polygons", "64 MiB", lambda: bytes(64 << 20), "at most"),
]

CLASS_LISTS = [
    HostileFile("class list", "plain", CLASS_LIST.encode, "read"),
    HostileFile("class list", "empty file", lambda: b"", "not keys with values"),
    HostileFile("class list", "code", lambda: b"classes: !!python/object/apply:os.getcwd []", "can't be read as YAML"),
    HostileFile("class list", "aliases that stand for 2^40 values", LAUGHS.encode, "alias '*a0'"),
    HostileFile("class list", "merges of merges", MERGES.encode, "alias '*a0'"),
    HostileFile("class list", "a list that holds itself", lambda: b"classes: &a [*a, *a]", "alias '*a'"),
    HostileFile("class list", "nested 10,000 deep", lambda: b"classes: " + b"[" * 10_000, "nested too deeply"),
    HostileFile("class list", "key twice", lambda: CLASS_LIST.encode() * 2, "more than once"),
    HostileFile("class list", "values out of range", lambda: CLASS_LIST.replace("10", "300").encode(), "value 300"),
    HostileFile("class list", "value twice", lambda: CLASS_LIST.replace("20", "10").encode(), "more than one class"),
    HostileFile("class list", "no date", lambda: b"void: 2020-13-45", "can't be read as YAML"),
    HostileFile("class list", "not UTF-8", lambda: b"\xff\xfe\xfa", "can't be read as YAML"),
    HostileFile("class list", "2 MiB", lambda: b"# " + b"x" * (2 << 20), "characters: at most"),
]

NAMES = [
    HostileFile("file name", "with spaces", lambda: b"  a b .png", "read"),
    HostileFile("file name", "umlauts, composed (NFC)", lambda: "gr\u00fcn.png".encode(), "read"),
    HostileFile("file name", "umlauts, decomposed (NFD)", lambda: "gru\u0308n.png".encode(), "read", "pairs with NFC"),
    HostileFile("file name", "leading dash", lambda: b"-rf.png", "read"),
    HostileFile("file name", "dots inside", lambda: b"a..b.png", "read"),
    HostileFile("file name", "two dots", lambda: b"...png", "passed over", "hidden file"),
    HostileFile("file name", "emoji", lambda: "\U0001f6b2.png".encode(), "read"),
    HostileFile("file name", "250 bytes", lambda: b"x" * 246 + b".png", "read"),
    HostileFile("file name", "quotes, <, &", lambda: b"<b>'\"&.png", "read"),
    HostileFile("file name", "percent and backslash", lambda: b"%2e%2e\\..\\x.png", "read"),
    HostileFile("file name", "newline", lambda: b"a\nb.png", "control character"),
    HostileFile("file name", "terminal escape", lambda: b"a\x1b[2Jb.png", "control character"),
    HostileFile("file name", "not UTF-8", lambda: b"a\xff.png", "not valid UTF-8"),
]

CORPUS = [*IMAGES, *LABEL_MAPS, *POLYGON_FILES, *CLASS_LISTS, *NAMES]


def outcome_table() -> list[str]:
    """The corpus as a Markdown table."""
    lines = ["| kind | file | outcome |", "| --- | --- | --- |"]
    for file in CORPUS:
        text = file.outcome if file.outcome in ("read", "passed over") else f"refused: “…{file.outcome}…”"
        lines.append(f"| {file.kind} | {file.name} | {text}{f' ({file.why})' if file.why else ''} |")
    return lines


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def path_of(folder: Path, name: bytes) -> Path:
    """A path whose name may be no UTF-8."""
    return Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
