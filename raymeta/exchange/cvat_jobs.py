"""Annotations of CVAT's API as "CVAT for images 1.1": the same shapes, so that one reader checks both.

Numbers keep all their digits: the XML that CVAT itself exports rounds to two decimals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from raymeta.exchange.errors import printable
from raymeta.exchange.json_values import entries, member, short_text, whole

_SPANS: Final = ("box", "ellipse")


@dataclass(frozen=True)
class JobFrame:
    """One picture of a job. number: its frame in the task."""

    number: int
    name: str
    height: int
    width: int


def job_xml(
    annotations: Any, frames: Sequence[JobFrame], labels: Mapping[int, str], who: str | None, version: str | None
) -> bytes:
    """One job as an XML file.

    What isn't of the documented form is written as it is, for the reader to refuse.

    Args:
        annotations: the parsed answer of `/api/jobs/{id}/annotations`.
        frames: of the job, each of which gets its `<image>`, also without shapes.
        labels: names by label id.
        who: whom the job is assigned to.
        version: of the server.

    Raises:
        ShapeFault: no object with lists of shapes, tags and tracks, or a shape without a frame.
    """
    shapes: dict[int, list[str]] = {}
    for shape in entries(annotations, "shapes", []):
        shapes.setdefault(whole(shape, "frame"), []).append(_shape(shape, labels))
    for tag in entries(annotations, "tags", []):
        text = f"<tag label={_label(tag, labels)} source={_quoted(member(tag, 'source', ''))}></tag>"
        shapes.setdefault(whole(tag, "frame"), []).append(text)
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", f"<version>{_plain(version)}</version>"]
    if who:
        lines.append(f"<meta><job><assignee><username>{_plain(who)}</username></assignee></job></meta>")
    if entries(annotations, "tracks", []):
        lines.append("<track></track>")
    for frame in frames:
        size = f'width="{frame.width}" height="{frame.height}"'
        lines.append(f'<image id="{frame.number}" name={_quoted(frame.name)} {size}>')
        lines += [*shapes.get(frame.number, []), "</image>"]
    return "\n".join([*lines, "</annotations>\n"]).encode()


def _shape(shape: Any, labels: Mapping[int, str]) -> str:
    kind = str(member(shape, "type", ""))
    points = [_number(value) for value in entries(shape, "points", [])]
    written = {"rectangle": "box"}.get(kind, kind if kind.isidentifier() and kind.isascii() else "shape")
    attributes = {"z_order": _number(member(shape, "z_order", 0)), "source": member(shape, "source", "")}
    if written in _SPANS and len(points) == 4:
        attributes["rotation"] = _number(member(shape, "rotation", 0))
    if written == "box":
        attributes |= dict(zip(("xtl", "ytl", "xbr", "ybr"), points, strict=False))
    elif written == "ellipse" and len(points) == 4:
        attributes |= _ellipse(shape["points"])
    elif written == "mask" and len(points) >= 4:
        attributes |= _mask(shape["points"], points)
    else:
        attributes["points"] = ";".join(",".join(points[place : place + 2]) for place in range(0, len(points), 2))
    text = " ".join(f"{name}={_quoted(value)}" for name, value in attributes.items())
    return f"<{written} label={_label(shape, labels)} {text}></{written}>"


def _ellipse(points: list[Any]) -> dict[str, str]:
    """Centre, right and top of the API as centre and radii."""
    if not all(isinstance(value, int | float) for value in points):
        return {}
    x, y, right, top = points
    return {"cx": repr(x), "cy": repr(y), "rx": repr(right - x), "ry": repr(y - top)}


def _mask(values: list[Any], points: list[str]) -> dict[str, str]:
    """Runs, then left, top, right and bottom, the ends included."""
    left, top = points[-4:-2]
    sizes = {}
    for name, first, last in (("width", values[-4], values[-2]), ("height", values[-3], values[-1])):
        known = isinstance(first, int | float) and isinstance(last, int | float)
        sizes[name] = _number(last - first + 1) if known else "?"
    return {"rle": ", ".join(points[:-4]), "left": left, "top": top, **sizes}


def _number(value: Any) -> str:
    """A number with all its digits, 12.0 as 12; anything else as text that no reader takes for one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"no number {short_text(value, 20) or '?'}"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value) if isinstance(value, float) or abs(value) < 10**30 else "huge"


def _label(entry: Any, labels: Mapping[int, str]) -> str:
    number = member(entry, "label_id", None)
    known = labels.get(number) if isinstance(number, int) else None
    return _quoted(f"label {short_text(number) or '?'} of the server" if known is None else known)


def _quoted(value: Any) -> str:
    return quoteattr(printable(str(value)))


def _plain(text: str | None) -> str:
    return printable((text or "")[:200]).replace("&", "&amp;").replace("<", "&lt;")
