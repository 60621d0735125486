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
from raymeta.exchange.manifest import FORMAT, MANIFEST_FILE, TaskClass
from raymeta.exchange.sources import Source, SourceFile, open_source

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


def writer_of(name: str) -> Writer:
    """The writer of a format; raises ExchangeError for an unknown name."""
    return _WRITERS[check_format(name)]


def check_format(name: str) -> FormatName:
    """The name of a format; raises ExchangeError for an unknown one."""
    if name not in FORMATS:
        raise ExchangeError(f"format {shown(name)} is unknown: choose one of {', '.join(FORMATS)}")
    return name


def find_parts(
    source: Source, wanted: FormatName | None, untouched: Mapping[str, str]
) -> Iterator["Part | ExchangeError"]:
    """What a source holds, file by file, each recognised by its content.

    Args:
        source: a file, folder or archive.
        wanted: the format that every file has; None to find out.
        untouched: sha256 by path of files that count as not answered.

    Yields:
        Parts, and the errors of files that are refused.
    """
    for root in segmentation_masks.roots(source):
        if wanted in (None, "cvat-masks"):
            label_file = next(file for file in source.files if file.path == root + segmentation_masks.LABEL_FILE)
            digest = _own_digest(source, label_file)
            skipped = frozenset(file.path for file in source.files if _is_untouched(file, untouched))
            yield Part(source.name, "cvat-masks", digest, partial(segmentation_masks.read, source, root, skipped))
    for file in source.files:
        if source.kind != "file" and not file.path.lower().endswith((".json", ".xml", ".zip")):
            continue
        if file.path.rsplit("/", 1)[-1] == MANIFEST_FILE and source.kind != "file":
            continue
        try:
            if file.path.lower().endswith(".zip") and source.kind == "folder":
                yield from find_parts(open_source(file.location, file.name), wanted, {})
                continue
            digest = file.sha256()
            if untouched.get(file.path) != digest:
                part = _find_part(file, wanted, digest if source.kind != "zip" else _own_digest(source, file))
                if part is not None:
                    yield part
        except ExchangeError as error:
            yield error


def _is_untouched(file: SourceFile, untouched: Mapping[str, str]) -> bool:
    return file.path in untouched and untouched[file.path] == file.sha256()


def _own_digest(source: Source, file: SourceFile) -> str:
    """Of an archive, the archive's."""
    return SourceFile(source.name, source.name, file.location).sha256() if source.kind == "zip" else file.sha256()


def _find_part(file: SourceFile, wanted: FormatName | None, digest: str) -> Part | None:
    head = file.head().lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")
    if head[:1] == b"<":
        if wanted not in (None, "cvat"):
            raise ExchangeError(f"{file.name}: is XML, not {wanted}")
        return Part(file.name, "cvat", digest, partial(cvat.read, file))
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
    raise ExchangeError(f"{file.name}: is JSON of none of the formats {', '.join(FORMATS)}: export it in one of them")


def _is_side_file(content: Any) -> bool:
    """Files that stand beside annotations and hold none."""
    return isinstance(content, dict) and (content.get("format") == FORMAT or {"classes", "tags"} <= content.keys())
