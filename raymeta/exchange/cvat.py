"""CVAT for images 1.1: XML, read as a stream. Polygons have one ring, masks are runs along rows inside their bounds.

Coordinates are continuous, (0, 0) is the corner of the picture. Shapes are painted by z_order, ties in their order.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from raymeta.exchange.drawn_pictures import (
    BOX_LABEL,
    UNDECIDABLE,
    DrawnPicture,
    DrawnPoint,
    DrawnShape,
    Mark,
    bounds,
    check_size,
    ellipse_ring,
    rectangle_ring,
    rotated,
)
from raymeta.exchange.errors import ExchangeError, ShapeFault, shown
from raymeta.exchange.json_values import flat_ring, number
from raymeta.exchange.limits import MAX_ANSWER_TEXT, MAX_XML_BYTES
from raymeta.exchange.manifest import TaskClass
from raymeta.exchange.outlines import mask_rings
from raymeta.exchange.planar_shapes import shape_mask, without_holes
from raymeta.exchange.run_lengths import decode_runs, encode_runs
from raymeta.exchange.sources import SourceFile

_MARKS: Final[dict[str, Mark]] = {"file": "unchanged", "auto": "unchanged", "semi-auto": "edited", "manual": "new"}
_NO_AREA: Final = frozenset({"polyline", "points", "cuboid", "skeleton"})
_MAX_DEPTH: Final = 32
_MAX_TAG_BYTES: Final = 64 << 20


def read(file: SourceFile) -> Iterator[DrawnPicture]:
    """Pictures of an XML file, one after the other.

    Raises:
        ExchangeError: no XML of CVAT for images, a document type, or absurd contents.
    """
    reader = _Reader(file.name)
    for chunk in file.chunks(MAX_XML_BYTES):
        yield from reader.feed(chunk)
    yield from reader.feed(b"", last=True)


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.path: list[str] = []
        self.text = ""
        self.picture: DrawnPicture | None = None
        self.heights: list[int] = []
        self.shape_count = 0
        self.done: list[DrawnPicture] = []
        self.version: str | None = None
        self.who: str | None = None
        self.fed = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._refuse_document_type
        self.parser.EntityDeclHandler = self._refuse_document_type

    def feed(self, chunk: bytes, last: bool = False) -> list[DrawnPicture]:
        try:
            self.parser.Parse(chunk, last)
        except expat.ExpatError as error:
            reason = expat.errors.messages.get(error.code, "no XML")
            where = f"line {error.lineno}, column {error.offset + 1}"
            raise ExchangeError(f"{self.name}: ends or breaks at {where} ({reason}): export it again") from None
        except (ValueError, LookupError, MemoryError) as error:
            if isinstance(error, ExchangeError):
                raise
            raise ExchangeError(f"{self.name}: can't be read as XML: {str(error)[:100]}") from None
        self.fed += len(chunk)
        if self.fed - self.parser.CurrentByteIndex > _MAX_TAG_BYTES and not last:
            raise ExchangeError(f"{self.name}: one tag holds more than {_MAX_TAG_BYTES >> 20} MiB: not read")
        done, self.done = self.done, []
        return done

    def _refuse_document_type(self, *_: Any) -> None:
        raise ExchangeError(f"{self.name}: holds a document type (DOCTYPE): not read; CVAT never writes one")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self.path and tag != "annotations":
            raise ExchangeError(f"{self.name}: is XML of <{tag[:40]}>: export 'CVAT for images 1.1'")
        self.path.append(tag)
        self.text = ""
        if len(self.path) > _MAX_DEPTH:
            raise ExchangeError(f"{self.name}: is nested too deeply: CVAT writes no such file")
        if self.path[1:] == ["track"]:
            raise ExchangeError(f"{self.name}: holds tracks of a video: export 'CVAT for images 1.1'")
        if self.path[1:] == ["image"]:
            self.picture = self._image(attributes)
            self.heights, self.shape_count = [], 0
        elif self.picture is not None and len(self.path) == 3:
            self.shape_count += 1
            with self.picture.shape(f"{tag} {self.shape_count}"):
                self._shape(self.picture, tag, attributes)

    def _characters(self, text: str) -> None:
        self.text = (self.text + text)[:MAX_ANSWER_TEXT]

    def _end(self, tag: str) -> None:
        if self.path == ["annotations", "version"]:
            self.version = self.text.strip() or None
        elif self.path[-2:] == ["assignee", "username"] and self.path[:2] == ["annotations", "meta"]:
            self.who = self.text.strip() or None
        elif self.path == ["annotations", "image"] and self.picture is not None:
            order = np.argsort(np.array(self.heights, dtype=np.int64), kind="stable")
            self.picture.shapes = [self.picture.shapes[index] for index in order]
            self.done.append(self.picture)
            self.picture = None
        self.path.pop()

    def _image(self, attributes: dict[str, str]) -> DrawnPicture:
        try:
            height, width = _whole(attributes, "height"), _whole(attributes, "width")
        except ShapeFault as fault:
            raise ExchangeError(f"{self.name}: image {shown(attributes.get('name'))}: {fault}") from None
        name = attributes.get("name", "")
        check_size(f"{self.name}: image {shown(name)}", height, width)
        return DrawnPicture(name, height, width, tool="cvat", version=self.version, who=self.who)

    def _shape(self, picture: DrawnPicture, tag: str, attributes: dict[str, str]) -> None:
        label = attributes.get("label", "")
        if tag == "tag":
            if label == UNDECIDABLE:
                picture.verdict = "undecidable"
            else:
                picture.notes.append(f"tag {shown(label)} isn't a shape: not read")
            return
        if tag == "points" and ";" not in attributes.get("points", ";"):
            x, y = (_number(value) for value in _pair(attributes["points"]))
            picture.add_point(DrawnPoint(label, x, y, f"points {self.shape_count}"))
            return
        if tag in _NO_AREA:
            picture.notes.append(f"{tag} {self.shape_count} ({shown(label)}) has no area: not read")
            return
        if tag not in ("polygon", "mask", "box", "ellipse"):
            raise ShapeFault("is a kind of shape that isn't known")
        z_order = _whole(attributes, "z_order", "0")
        if tag == "box" and label == BOX_LABEL:
            picture.box = bounds((_box(attributes),))
            return
        name = f"{tag} {self.shape_count}"
        mark = _MARKS.get(attributes.get("source", ""))
        if tag == "mask":
            shape = DrawnShape(label, _mask(attributes, picture), "mask", mark=mark, name=name)
        elif tag == "polygon":
            points = attributes.get("points", "").split(";")
            ring = flat_ring([_number(value) for point in points for value in _pair(point)])
            shape = DrawnShape(label, (ring,), mark=mark, name=name)
        elif tag == "box":
            shape = DrawnShape(label, (_box(attributes),), "rectangle", mark=mark, name=name)
        else:
            shape = DrawnShape(label, (_ellipse(attributes),), "ellipse", mark=mark, name=name)
        picture.add(shape)
        self.heights.append(z_order)


def _pair(point: str) -> list[str]:
    values = point.split(",")
    if len(values) != 2:
        raise ShapeFault(f"point {shown(point)} isn't x,y")
    return values


def _number(value: str | None, what: str = "coordinate") -> float:
    try:
        return number(float(value or ""), what)
    except ShapeFault:
        raise
    except ValueError:
        raise ShapeFault(f"{what} {shown(value)} isn't a number") from None


def _whole(attributes: dict[str, str], key: str, default: str | None = None) -> int:
    value = attributes.get(key, default)
    try:
        found = int(value or "")
    except ValueError:
        raise ShapeFault(f"{key} {shown(value)} isn't a whole number") from None
    if abs(found) >= 2**31:
        raise ShapeFault(f"{key} {shown(value)} is beyond any picture")
    return found


def _box(attributes: dict[str, str]) -> NDArray[np.float64]:
    left, top, right, bottom = (_number(attributes.get(key), key) for key in ("xtl", "ytl", "xbr", "ybr"))
    degrees = _number(attributes.get("rotation", "0"), "rotation")
    return rotated(rectangle_ring(left, top, right, bottom), degrees, (left + right) / 2, (top + bottom) / 2)


def _ellipse(attributes: dict[str, str]) -> NDArray[np.float64]:
    x, y, radius_x, radius_y = (_number(attributes.get(key), key) for key in ("cx", "cy", "rx", "ry"))
    return rotated(ellipse_ring(x, y, radius_x, radius_y), _number(attributes.get("rotation", "0"), "rotation"), x, y)


def _mask(attributes: dict[str, str], picture: DrawnPicture) -> tuple[NDArray[np.float64], ...]:
    left, top, width, height = (_whole(attributes, key) for key in ("left", "top", "width", "height"))
    picture.check_mask(height, width)
    number(left, "left"), number(top, "top")
    text = attributes.get("rle", "")
    try:
        runs = np.array([int(run) for run in text.split(",")] if text.strip() else [], dtype=np.int64)
    except (ValueError, OverflowError):
        raise ShapeFault(f"has runs {shown(text)} that are no whole numbers") from None
    return tuple(mask_rings(decode_runs(runs, height, width), top, left))


def write(
    pictures: Iterable[DrawnPicture], classes: Sequence[TaskClass], *, answered: bool = True
) -> Iterator[tuple[str, bytes]]:
    """`annotations.xml`: polygons of one ring, masks where holes need them; z_order is the painting order.

    Args:
        pictures: their shapes in painting order.
        classes: the label list.
        answered: whether people drew this, or a network did: `source` manual or auto.
    """
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "  <version>1.1</version>", "  <meta><task>"]
    labels = [(each.name, each.color) for each in classes] + [("void", "#000000"), (BOX_LABEL, "#ffff00")]
    lines.append(f"    <labels>{''.join(_label(*label) for label in labels)}{_label(UNDECIDABLE, '#808080', 'tag')}")
    lines.append("    </labels></task></meta>")
    source = "manual" if answered else "auto"
    for index, picture in enumerate(pictures):
        height, width = picture.height or 0, picture.width or 0
        lines.append(
            f'  <image id="{index}" name={quoteattr(picture.name)} width="{picture.width}" height="{picture.height}">'
        )
        for z_order, shape in enumerate(without_holes(picture.shapes, height, width)):
            lines.append(_written(shape, z_order, source, height, width))
        if picture.verdict == "undecidable":
            lines.append(f'    <tag label="{UNDECIDABLE}" source="manual"></tag>')
        lines.append("  </image>")
    lines.append("</annotations>\n")
    yield "annotations.xml", "\n".join(lines).encode()


def _label(name: str, color: str, kind: str = "any") -> str:
    return (
        f"<label><name>{escape(name)}</name><color>{color}</color><type>{kind}</type><attributes></attributes></label>"
    )


def _written(shape: DrawnShape, z_order: int, source: str, height: int, width: int) -> str:
    start = f'label={quoteattr(shape.label)} source="{source}" occluded="0"'
    if shape.geometry == "mask":
        mask, top, left = shape_mask(shape, height, width)
        runs = ", ".join(map(str, encode_runs(mask)))
        place = f'left="{left}" top="{top}" width="{mask.shape[1]}" height="{mask.shape[0]}"'
        return f'    <mask {start} rle="{runs}" {place} z_order="{z_order}"></mask>'
    points = ";".join(f"{x:.2f},{y:.2f}" for x, y in shape.rings[0])
    return f'    <polygon {start} points="{points}" z_order="{z_order}"></polygon>'
