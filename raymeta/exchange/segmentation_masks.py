"""CVAT's Segmentation mask 1.1: one colour picture an image, with a list of colours; `background` is nothing."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raymeta.exchange.drawn_pictures import DrawnPicture, DrawnShape, check_size
from raymeta.exchange.errors import ExchangeError, shown
from raymeta.exchange.limits import MAX_PNG_BYTES
from raymeta.exchange.manifest import TaskClass
from raymeta.exchange.outlines import mask_rings
from raymeta.exchange.pixel_patches import decode_colors, encode_png
from raymeta.exchange.planar_shapes import shape_mask
from raymeta.exchange.sources import Source, SourceFile

LABEL_FILE: Final = "labelmap.txt"
FOLDER: Final = "SegmentationClass"
_BACKGROUND: Final = "background"
_MAX_LABELS: Final = 1000


def roots(source: Source) -> list[str]:
    """Folders inside a source, "" for its top, that hold a label file and a folder of pictures."""
    paths = {file.path for file in source.files}
    found = []
    for path in sorted(paths):
        if PurePosixPath(path).name == LABEL_FILE:
            root = path.removesuffix(LABEL_FILE)
            if any(each.startswith(f"{root}{FOLDER}/") for each in paths):
                found.append(root)
    return found


def read(source: Source, root: str, skipped: frozenset[str] = frozenset()) -> Iterator[DrawnPicture]:
    """Pictures below one root.

    Args:
        source: where they lie.
        root: of `roots`.
        skipped: paths of pictures that aren't read.

    Raises:
        ExchangeError: an unreadable label list or picture.
    """
    files = {file.path: file for file in source.files}
    colors = _read_colors(files[root + LABEL_FILE])
    prefix = f"{root}{FOLDER}/"
    for path, file in files.items():
        if path.startswith(prefix) and path.lower().endswith(".png") and path not in skipped:
            name = path.removeprefix(prefix)
            picture = DrawnPicture(name, tool="cvat", version="segmentation mask 1.1")
            _read_picture(picture, decode_colors(file.read(MAX_PNG_BYTES), file.name), colors)
            yield picture


def _read_colors(file: SourceFile) -> dict[int, str]:
    """Label by packed colour."""
    try:
        lines = file.read(1 << 20).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ExchangeError(f"{file.name}: isn't text in UTF-8") from None
    colors: dict[int, str] = {}
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.rsplit(":", 3)
        channels = parts[1].split(",") if len(parts) == 4 else []
        if len(channels) != 3 or not all(part.strip().isdecimal() and int(part) < 256 for part in channels):
            raise ExchangeError(f"{file.name}: line {shown(line)} isn't label:r,g,b:parts:actions")
        packed = _packed(np.array([int(part) for part in channels]))
        if colors.setdefault(int(packed), parts[0]) != parts[0]:
            raise ExchangeError(f"{file.name}: {shown(parts[0])} and {shown(colors[int(packed)])} have one colour")
    if not colors or len(colors) > _MAX_LABELS:
        raise ExchangeError(f"{file.name}: holds {len(colors)} labels: give 1 to {_MAX_LABELS}")
    return colors


def _read_picture(picture: DrawnPicture, pixels: NDArray[np.uint8], colors: dict[int, str]) -> None:
    picture.height, picture.width = pixels.shape[:2]
    check_size(picture.name, picture.height, picture.width)
    packed = _packed(pixels.astype(np.int32))
    values, counts = np.unique(packed, return_counts=True)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        label = colors.get(value, _BACKGROUND if value == 0 else None)
        if label is None:
            if len(picture.faults) < 20:
                color = f"{value >> 16},{value >> 8 & 255},{value & 255}"
                picture.faults.append(f"{count} px have the colour {color}, which {LABEL_FILE} lacks")
        elif label != _BACKGROUND:
            picture.add(DrawnShape(label, tuple(mask_rings(packed == value)), "mask", name=label))


def _packed(colors: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    return np.asarray(colors[..., 0] << 16 | colors[..., 1] << 8 | colors[..., 2])


def write(
    pictures: Iterable[DrawnPicture], classes: Sequence[TaskClass], *, answered: bool = True
) -> Iterator[tuple[str, bytes]]:
    """Label list, list of images, and one colour picture each; classes of one colour, or black, get others.

    Args:
        pictures: their shapes in painting order.
        classes: names and colours.
        answered: has no meaning here.
    """
    colors = _distinct_colors(classes)
    lines = ["# label:color_rgb:parts:actions", f"{_BACKGROUND}:0,0,0::"]
    lines += [f"{name}:{red},{green},{blue}::" for name, (red, green, blue) in colors.items()]
    yield LABEL_FILE, ("\n".join(lines) + "\n").encode()
    stems = []
    for picture in pictures:
        pixels = np.zeros((picture.height or 0, picture.width or 0, 3), np.uint8)
        for shape in picture.shapes:
            mask, top, left = shape_mask(shape, pixels.shape[0], pixels.shape[1])
            pixels[top : top + mask.shape[0], left : left + mask.shape[1]][mask] = colors[shape.label]
        stem = picture.name.rsplit(".", 1)[0]
        stems.append(stem)
        yield f"{FOLDER}/{stem}.png", encode_png(pixels)
    yield "ImageSets/Segmentation/default.txt", ("\n".join(stems) + "\n").encode()


def _distinct_colors(classes: Sequence[TaskClass]) -> dict[str, tuple[int, int, int]]:
    colors: dict[str, tuple[int, int, int]] = {}
    used = {(0, 0, 0)}
    names = [each.name for each in classes]
    void = [("void", (224, 224, 192))] if "void" not in names else []
    for name, wanted in [*((each.name, each.rgb) for each in classes), *void]:
        color = wanted
        while color in used:
            color = (color[0], color[1] ^ (len(used) & 255), (color[2] + 1) & 255)
        used.add(color)
        colors[name] = color
    return colors
