"""Tasks as a folder for one annotation tool: pictures, the list of tasks, pre-annotations and the steps to follow."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raymeta.exchange import cityscapes, label_studio, tool_guides
from raymeta.exchange.drawn_pictures import DrawnPicture, DrawnShape
from raymeta.exchange.errors import ExchangeError
from raymeta.exchange.formats import FormatName, check_format, writer_of
from raymeta.exchange.manifest import MANIFEST_FILE, Manifest, SegmentQuestion, Task, TaskClass, load_manifest
from raymeta.exchange.pixel_patches import encode_png
from raymeta.exchange.planar_shapes import without_holes
from raymeta.exchange.point_answers import ringed

PICTURES: Final = "pictures"
_DIMMED: Final = 0.6
POINT_SURROUNDINGS: Final = 5
"""A point is shown with the height of its image over this around it."""
_TRUE_HOLES: Final = frozenset({"supervisely", "darwin", "coco"})
_BESIDE_PICTURES: Final = frozenset({"labelme", "x-anylabeling"})
_WITHOUT_PRELABELS: Final = frozenset({"labelme", "x-anylabeling", "label-studio", "coco"})
"""Formats whose files say something even before anything is drawn."""


@dataclass(frozen=True, eq=False)
class OpenTask:
    """One task to hand out.

    region: top, left, height and width in the data set's pixels; None for the whole image. scale: pixels of the data
    set for each of the stored image. prelabels: predicted shapes in corner coordinates of the stored image, in painting
    order, enclosing ones first, as `partition_shapes` gives them. point: whether the class at the region's middle is
    asked, which all of it gets. segment: where the class of the shapes of `prelabels` is asked.
    """

    id: str
    image_id: str
    region: tuple[int, int, int, int] | None
    scale: float = 1.0
    state: str = "handed_out"
    prelabels: Sequence[DrawnShape] = ()
    point: bool = False
    segment: SegmentQuestion | None = None

    @property
    def is_region(self) -> bool:
        """Whether all of a box is asked."""
        return self.region is not None and not self.point and self.segment is None


def export_tasks(
    folder: Path,
    tasks: Iterable[OpenTask],
    classes: Sequence[TaskClass],
    read_image: Callable[[str], NDArray[np.uint8]],
    format: FormatName | str,
    *,
    run: str,
    set: str,
    created: str,
    margin: int | None = 32,
) -> Manifest:
    """Write a folder that people can work on with one tool, and that `read_answers` reads back.

    Args:
        folder: made if it isn't there; one that holds answers already is refused.
        tasks: what is asked.
        classes: of the run.
        read_image: gives the stored image of an id, upright, (H, W, 3) uint8 RGB.
        format: one of `FORMATS`.
        run: name of the run.
        set: name of the set.
        created: time as text.
        margin: pixels of the stored image around the box that are shown dimmed, and at least around a point; None for
            the whole image.

    Returns:
        The list of tasks as written to `raymeta_tasks.json`.

    Raises:
        ExchangeError: an unknown format, a box outside its image, or a folder with answers.
        OSError: nothing can be written there.
    """
    form = check_format(format)
    _refuse_answers(folder)
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    listed, pictures = [], []
    for task in tasks:
        entry, picture = _hand_out(task, form, read_image, margin, folder)
        listed.append(entry)
        pictures.append(replace(picture, version=f"raymeta:{run}:{set}"))
    digests = {}
    for name, data in _annotation_files(form, pictures, classes, listed):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        digests[name] = hashlib.sha256(data).hexdigest()
    content = {"format": "raymeta-tasks-1", "run": run, "set": set, "created": created, "classes": list(classes)}
    manifest = Manifest.model_validate(content | {"tasks": listed, "untouched": digests})
    points, segments = (sum(bool(getattr(task, kind)) for task in listed) for kind in ("point", "segment"))
    (folder / "README.txt").write_text(tool_guides.steps(form, len(listed), points, segments), encoding="utf-8")
    (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
    return manifest


def _refuse_answers(folder: Path) -> None:
    """What people drew lies in these folders too: it is never written over."""
    known: dict[str, str] = {}
    if (folder / MANIFEST_FILE).is_file():
        known = load_manifest(folder / MANIFEST_FILE).untouched
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        inside = path.relative_to(folder).as_posix()
        ours = inside == MANIFEST_FILE or (inside.startswith(f"{PICTURES}/") and inside.endswith(".png"))
        if ours or path.suffix.lower() not in (".json", ".xml", ".png") or not path.is_file():
            continue
        if hashlib.sha256(path.read_bytes()).hexdigest() != known.get(inside):
            raise ExchangeError(f"{path}: is no file of an export, perhaps an answer: choose another folder")


def _hand_out(
    task: OpenTask,
    form: FormatName,
    read_image: Callable[[str], NDArray[np.uint8]],
    margin: int | None,
    folder: Path,
) -> tuple[Task, DrawnPicture]:
    image = read_image(task.image_id)
    box, crop = region_frames(task, image.shape[0], image.shape[1], margin)
    top, left, height, width = crop
    pixels = image[top : top + height, left : left + width]
    inside = (box[0] - top, box[1] - left, box[2], box[3])
    data = encode_png(_shown(task, pixels, inside))
    name = f"{task.id}.png"
    (folder / PICTURES / name).write_bytes(data)
    moved = [
        replace(shape, rings=tuple(ring - [left, top] for ring in shape.rings), shape_id=shape.shape_id or f"p{place}")
        for place, shape in enumerate(task.prelabels, start=1)
    ]
    shapes = _writable(moved, form, height, width)
    shown_box = None
    if task.region is not None and task.segment is None:
        shown_box = (float(inside[1]), float(inside[0]), float(inside[1] + inside[3]), float(inside[0] + inside[2]))
    entry: dict[str, Any] = {"id": task.id, "image_id": task.image_id, "scale": task.scale, "state": task.state}
    if task.region is not None:
        entry["box"] = dict(zip(("top", "left", "height", "width"), task.region, strict=True))
        entry |= {"point": task.point, "segment": task.segment}
    entry["crop"] = {"top": top, "left": left, "height": height, "width": width}
    entry["image"] = {"height": image.shape[0], "width": image.shape[1]}
    entry |= {"file": f"{PICTURES}/{name}", "sha256": hashlib.sha256(data).hexdigest()}
    entry["prelabels"] = [
        {
            "id": shape.shape_id,
            "label": shape.label,
            "points": shape.rings[0].tolist(),
            "holes": [ring.tolist() for ring in shape.rings[1:]],
            "rule": shape.rule,
            "score": shape.score,
        }
        for shape in shapes
    ]
    return Task.model_validate(entry), DrawnPicture(name, height, width, task.id, list(shapes), box=shown_box)


def _writable(shapes: Sequence[DrawnShape], form: FormatName, height: int, width: int) -> Sequence[DrawnShape]:
    """Pre-annotations as a format holds them, so that they are compared with what comes back."""
    if form == "cityscapes":
        seen = cityscapes.visible_shapes(shapes, height, width)
        firsts = {shape.shape_id: place for place, shape in reversed(list(enumerate(seen)))}
        return [
            shape if shape.shape_id and firsts[shape.shape_id] == place else replace(shape, shape_id=f"part{place}")
            for place, shape in enumerate(seen)
        ]
    return shapes if form in _TRUE_HOLES else without_holes(shapes, height, width)


def region_frames(
    task: OpenTask, height: int, width: int, margin: int | None
) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int]]:
    """The box and the crop around it, each top, left, height and width in pixels of the stored image.

    Args:
        task: what is asked.
        height: of the stored image.
        width: of the stored image.
        margin: pixels of the stored image around the box, at least a fifth of its height around a point or a segment,
            of which nobody could tell the class otherwise; None for the whole image.

    Raises:
        ExchangeError: the box reaches outside the image.
    """
    whole = (0, 0, height, width)
    if task.region is None:
        return whole, whole
    top, left = (int(np.floor(side / task.scale + 1e-6)) for side in task.region[:2])
    bottom = int(np.ceil((task.region[0] + task.region[2]) / task.scale - 1e-6))
    right = int(np.ceil((task.region[1] + task.region[3]) / task.scale - 1e-6))
    if top < 0 or left < 0 or bottom > height or right > width or bottom <= top or right <= left:
        raise ExchangeError(
            f"{task.id}: its box (top {top}, left {left}, bottom {bottom}, right {right}) reaches outside "
            f"{task.image_id} of {width}×{height} px"
        )
    box = (top, left, bottom - top, right - left)
    if margin is None:
        return box, whole
    if not task.is_region:
        margin = max(margin, height // POINT_SURROUNDINGS)
    first, start = max(top - margin, 0), max(left - margin, 0)
    return box, (first, start, min(bottom + margin, height) - first, min(right + margin, width) - start)


def _shown(task: OpenTask, pixels: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """The picture as people see it: a box in dimmed surroundings, a point in a ring; a segment shows itself."""
    if task.region is None or task.segment is not None:
        return pixels
    return ringed(pixels, box) if task.point else _dimmed(pixels, box)


def _dimmed(pixels: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """The picture at 60 % outside the box."""
    top, left, height, width = box
    result = (pixels * _DIMMED).astype(np.uint8)
    result[top : top + height, left : left + width] = pixels[top : top + height, left : left + width]
    return result


def _annotation_files(
    form: FormatName, pictures: list[DrawnPicture], classes: Sequence[TaskClass], tasks: Sequence[Task]
) -> Iterator[tuple[str, bytes]]:
    yield from tool_guides.label_files(form, classes)
    if form not in _WITHOUT_PRELABELS and not any(picture.shapes for picture in pictures):
        return
    if form == "label-studio":
        records = {task.id: _record(task) for task in tasks}
        prefix = f"/data/local-files/?d={PICTURES}/"
        yield from label_studio.write(pictures, classes, answered=False, image_prefix=prefix, records=records)
        return
    for name, data in writer_of(form)(pictures, classes, answered=False):
        beside = form in _BESIDE_PICTURES and name.endswith(".json")
        yield (f"{PICTURES}/{name}" if beside else name), data


def _record(task: Task) -> dict[str, Any]:
    crop = task.crop
    box = None if task.box is None else [task.box.top, task.box.left, task.box.width]
    place = [crop.top, crop.left, crop.height, crop.width]
    return {"image_id": task.image_id, "box": box, "crop": place, "scale": task.scale}
