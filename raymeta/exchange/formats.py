"""The formats by name, which of them a file is, and the pictures in it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, Protocol, get_args

from raymeta.exchange import cityscapes, coco, cvat, darwin, label_studio, labelme, segmentation_masks, supervisely
from raymeta.exchange.drawn_pictures import DrawnPicture
from raymeta.exchange.errors import ExchangeError, shown
from raymeta.exchange.json_values import load_json
from raymeta.exchange.limits import MAX_JSON_BYTES
from raymeta.exchange.manifest import FORMAT, MANIFEST_FILE, Manifest, TaskClass
from raymeta.exchange.sources import Source, SourceFile, open_source
from raymeta.exchange.untouched_files import is_untouched

FormatName = Literal[
    "cvat",
    "cvat-masks",
    "label-studio",
    "labelme",
    "x-anylabeling",
    "coco",
    "cityscapes",
    "supervisely",
    "darwin",
]
FORMATS: Final[tuple[FormatName, ...]] = get_args(FormatName)
ONE_PICTURE_A_FILE: Final = frozenset({"labelme", "x-anylabeling", "cityscapes", "supervisely", "darwin"})
NAMELESS: Final = frozenset({"cityscapes", "supervisely"})
"""Formats that hold no name of their picture but their own file name."""

Pictures = Iterator[DrawnPicture]


class Writer(Protocol):
    """Writes pictures as files."""

    def __call__(
        self, pictures: Iterable[DrawnPicture], classes: Sequence[TaskClass], *, answered: bool = True
    ) -> Iterator[tuple[str, bytes]]:
        """Yield path and content of each file."""


@dataclass(frozen=True)
class _JsonFormat:
    name: FormatName
    recognises: Callable[[Any], bool]
    read: Callable[[Any, str], Pictures]


# The more telling keys come first.
_JSON_FORMATS: Final = (
    _JsonFormat("labelme", labelme.recognises, labelme.read),
    _JsonFormat("cityscapes", cityscapes.recognises, cityscapes.read),
    _JsonFormat("supervisely", supervisely.recognises, supervisely.read),
    _JsonFormat("darwin", darwin.recognises, darwin.read),
    _JsonFormat("coco", coco.recognises, coco.read),
    _JsonFormat("label-studio", label_studio.recognises, label_studio.read),
)
_WRITERS: Final[dict[FormatName, Writer]] = {
    "cvat": cvat.write,
    "cvat-masks": segmentation_masks.write,
    "label-studio": label_studio.write,
    "labelme": labelme.write,
    "x-anylabeling": labelme.write_x_anylabeling,
    "coco": coco.write,
    "cityscapes": cityscapes.write,
    "supervisely": supervisely.write,
    "darwin": darwin.write,
}


@dataclass(frozen=True)
class Part:
    """One file (or folder of masks) of a source, whose pictures can be read more than once."""

    name: str
    format: FormatName
    sha256: str
    pictures: Callable[[], Pictures]


@dataclass(frozen=True)
class Refusal:
    """A file of a source that isn't read, and why."""

    name: str
    reason: str


def writer_of(name: str) -> Writer:
    """The writer of a format; raises ExchangeError for an unknown name."""
    return _WRITERS[check_format(name)]


def check_format(name: str) -> FormatName:
    """The name of a format; raises ExchangeError for an unknown one."""
    if name not in FORMATS:
        raise ExchangeError(f"format {shown(name)} is unknown: choose one of {', '.join(FORMATS)}")
    return name


def find_parts(
    source: Source, wanted: FormatName | None, untouched: Mapping[str, str], take_untouched: bool = False
) -> Iterator[Part | Refusal]:
    """What a source holds, file by file, each recognised by its content.

    Args:
        source: a file, folder or archive.
        wanted: the format that every file has; None to find out.
        untouched: sha256 by path of files that are as they were handed out.
        take_untouched: whether these are answers, too: those of them that hold shapes.

    Yields:
        Parts, and refusals of files.
    """
    whole = _archive_digest(source) if source.kind == "zip" else None
    for root in segmentation_masks.roots(source):
        if wanted in (None, "cvat-masks"):
            label_file = next(file for file in source.files if file.path == root + segmentation_masks.LABEL_FILE)
            skipped = frozenset(
                file.path for file in source.files if not take_untouched and is_untouched(file, untouched)
            )
            read = partial(segmentation_masks.read, source, root, skipped)
            yield Part(source.name, "cvat-masks", whole or label_file.sha256(), read)
    for file in source.files:
        if source.kind != "file" and not _may_hold_annotations(file):
            continue
        handed_out = is_untouched(file, untouched)
        try:
            if file.path.lower().endswith(".zip") and source.kind == "folder":
                yield from find_parts(open_source(file.location, file.name), wanted, {})
            elif take_untouched or not handed_out:
                part = _find_part(file, wanted, whole or file.sha256())
                if part is not None:
                    yield part
        except ExchangeError as error:
            refusal = Refusal(file.name, str(error))
        else:
            continue
        if not handed_out:  # a tool's list of classes, which nobody draws in
            yield refusal


def untouched_answers(source: Source, wanted: FormatName | None, untouched: Mapping[str, str]) -> list[str]:
    """Names of the files that are as they were handed out and would hold answers: not a tool's list of classes."""
    found = [part for part in find_parts(source, wanted, untouched, take_untouched=True) if isinstance(part, Part)]
    names, masks = {part.name for part in found}, any(part.format == "cvat-masks" for part in found)
    return [file.name for file in source.files if is_untouched(file, untouched) and (masks or file.name in names)]


def holds_predictions(
    source: Source, wanted: FormatName | None, untouched: Mapping[str, str], manifest: Manifest
) -> bool:
    """Whether files that are as they were handed out hold predicted shapes that count once somebody confirms them.

    Label Studio's never do: people submit there.
    """
    if not any(task.prelabels for task in manifest.tasks):
        return False
    names = {file.name for file in source.files if is_untouched(file, untouched)}
    found = [part for part in find_parts(source, wanted, untouched, take_untouched=True) if isinstance(part, Part)]
    formats = {part.format for part in found if part.name in names or part.format == "cvat-masks"}
    return bool(formats) and "label-studio" not in formats


def _may_hold_annotations(file: SourceFile) -> bool:
    name = file.path.rsplit("/", 1)[-1]
    return name.lower().endswith((".json", ".xml", ".zip")) and name != MANIFEST_FILE


def _archive_digest(source: Source) -> str | None:
    """Of the file that the members of an archive lie in; None for an empty one."""
    return SourceFile(source.name, "", source.files[0].location).sha256() if source.files else None


def _find_part(file: SourceFile, wanted: FormatName | None, digest: str) -> Part | None:
    head = file.head().lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")
    if head[:1] == b"<":
        if wanted not in (None, "cvat"):
            raise ExchangeError(f"{file.name}: is XML, not {wanted}")
        return Part(file.name, "cvat", digest, partial(cvat.read, file))
    if not head:
        raise ExchangeError(f"{file.name}: is empty: export it again")
    content = load_json(file.read(MAX_JSON_BYTES), file.name)
    name = file.path.rsplit("/", 1)[-1]
    for form in _JSON_FORMATS:
        if form.recognises(content):
            found = form.name
            if found == "labelme" and labelme.is_x_anylabeling(content):
                found = "x-anylabeling"
            if wanted not in (None, found, form.name):
                raise ExchangeError(f"{file.name}: is of the format {found}, not {wanted}")
            shown_name = name if form.name in NAMELESS else file.name
            return Part(file.name, found, digest, partial(form.read, content, shown_name))
    if content == [] or _is_side_file(content):
        return None
    if label_studio.is_minimal(content):
        raise ExchangeError(f"{file.name}: is Label Studio's JSON-MIN, which lacks the size of pictures: export 'JSON'")
    raise ExchangeError(f"{file.name}: is JSON of none of the formats {', '.join(FORMATS)}: export it in one of them")


def _is_side_file(content: Any) -> bool:
    """Files that stand beside annotations and hold none."""
    return isinstance(content, dict) and (content.get("format") == FORMAT or {"classes", "tags"} <= content.keys())
