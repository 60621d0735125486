"""From files of annotation tools to answers: `read_answers`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from raymeta.datasets.sample import IGNORED
from raymeta.exchange.answers import Answer, Skip
from raymeta.exchange.class_names import ClassNames, parse_class_map
from raymeta.exchange.drawn_pictures import DrawnPicture
from raymeta.exchange.effort import HumanClicks
from raymeta.exchange.errors import ExchangeError, ShapeFault, shown
from raymeta.exchange.formats import (
    NAMELESS,
    ONE_PICTURE_A_FILE,
    FormatName,
    Part,
    Refusal,
    check_format,
    find_parts,
    holds_predictions,
    untouched_answers,
)
from raymeta.exchange.manifest import Manifest, load_manifest
from raymeta.exchange.point_answers import point_painting
from raymeta.exchange.region_painting import RegionPainting, paint_region
from raymeta.exchange.segment_answers import segment_painting
from raymeta.exchange.sources import Source, open_source
from raymeta.exchange.task_matching import Match, TaskIndex
from raymeta.exchange.untouched_files import is_untouched, untouched_digests

_SHOWN_NAMES: Final = 5
_NO_CLICKS: Final = HumanClicks(None, None, 0, None, 0)


def read_answers(
    path: str | Path,
    manifest: str | Path | bytes | dict[str, Any] | Manifest,
    *,
    format: FormatName | Literal["auto"] | str = "auto",
    class_map: Mapping[str, str] | Iterable[str] = (),
    uncovered: str | None = None,
    turn_back: bool = False,
    take_untouched: bool = False,
) -> "AnswerReader":
    """Read what people drew, in whatever tool.

    The source is read twice: whole, before the first answer is given, so that a file with something hostile or broken
    anywhere gives none; then picture by picture.

    Args:
        path: a file, a zip archive or a folder.
        manifest: what was handed out: a `raymeta_tasks.json`, its content, or a `Manifest`.
        format: of all files; `auto` finds it out by content.
        class_map: labels of the files that stand for classes or `void`: a mapping, or lines such as `Car =car`.
        uncovered: what becomes of pixels without a shape: None leaves them unknown and says so, `void` takes them as
            void, `refuse` refuses the answer, a class name gives them that class.
        turn_back: whether answers drawn on turned pictures are turned back, where the manifest knows the orientation.
        take_untouched: whether files that are as they were handed out are read, too.

    Returns:
        An iterator of answers, which also knows what in the files was no answer.

    Raises:
        ExchangeError: a source that is refused whole, a manifest or an argument that can't be used.
    """
    tasks = load_manifest(manifest)
    pairs = class_map if isinstance(class_map, Mapping) else parse_class_map(class_map)
    names = ClassNames(tasks, pairs)
    if uncovered is not None and uncovered not in ("void", "refuse") and uncovered not in names.ids:
        raise ExchangeError(f"uncovered {shown(uncovered)}: choose void, refuse or one of {', '.join(names.ids)}")
    wanted = None if format == "auto" else check_format(format)
    source = open_source(Path(path))
    untouched = untouched_digests(Path(path), source, tasks)
    found = list(find_parts(source, wanted, untouched, take_untouched))
    parts = [each for each in found if isinstance(each, Part)]
    refused = [each for each in found if isinstance(each, Refusal)]
    reader = AnswerReader(tasks, names, uncovered, turn_back, source)
    handed_out = [file.name for file in source.files if is_untouched(file, untouched)]
    if not take_untouched:
        reader.untouched_files += untouched_answers(source, wanted, untouched) if parts else handed_out
        reader.can_confirm = bool(handed_out) and holds_predictions(source, wanted, untouched, tasks)
    return reader._start(parts, refused, handed_out)


class AnswerReader(Iterator[Answer]):
    """An iterator of answers; what else the files held is known once it is made, skips and notes as it goes.

    Attributes:
        messages: about the files as a whole: strangers, tasks without shapes, files that were refused.
        strangers: names of pictures that belong to no task.
        unanswered: ids of tasks whose pictures hold no shape.
        skipped: tasks that somebody passed on.
        refused_files: names of files among several that weren't read.
        untouched_files: names of files that weren't read because they are as they were handed out.
        can_confirm: whether there are predictions in these that `take_untouched` reads as answers.
    """

    def __init__(
        self, manifest: Manifest, names: ClassNames, uncovered: str | None, turn_back: bool, source: Source
    ) -> None:
        self.messages: list[str] = []
        self.strangers: list[str] = []
        self.unanswered: list[str] = []
        self.skipped: list[Skip] = []
        self.refused_files: list[str] = []
        self.untouched_files: list[str] = []
        self.can_confirm = False
        self._manifest = manifest
        self._names = names
        self._uncovered = uncovered
        self._source = source
        self._index = TaskIndex(manifest, turn_back)
        self._answers: Iterator[Answer] = iter(())

    def __next__(self) -> Answer:
        return next(self._answers)

    def _start(self, parts: list[Part], refused: list[Refusal], handed_out: list[str]) -> "AnswerReader":
        """Read everything once; raises ExchangeError where nothing is left to give.

        handed_out: names of files that are as they were: what holds no shapes there is no fault of people.
        """
        sound, pictures, matched = [], 0, 0
        for part in parts:
            try:
                seen, found, strangers = self._survey(part)
            except ExchangeError as error:
                if part.name not in handed_out:
                    refused.append(Refusal(part.name, str(error)))
                continue
            sound.append(part)
            pictures, matched = pictures + seen, matched + found
            self.strangers += strangers
        for refusal in refused:
            self.refused_files.append(refusal.name)
            self.messages.append(refusal.reason)
        if refused and (self._source.kind != "folder" or not matched):
            raise ExchangeError("\n".join(refusal.reason for refusal in refused[:20]))
        if pictures and not matched:
            raise ExchangeError(self._all_strange(pictures))
        if not sound:
            self.messages += [] if self.untouched_files else [f"{self._source.name}: holds no annotations"]
        elif not pictures:
            self.messages.append(f"{self._source.name}: 0 annotations")
        elif self.strangers:
            belong = "1 image belongs" if len(self.strangers) == 1 else f"{len(self.strangers)} images belong"
            self.messages.append(f"{self._source.name}: {belong} to no task: {self._listed(self.strangers)}")
        self._answers = self._read(sound)
        return self

    def _survey(self, part: Part) -> tuple[int, int, list[str]]:
        """Pictures of a part, how many have a task, and the names of the others."""
        pictures = matched = 0
        strangers = []
        for picture in _complete(part):
            pictures += 1
            matches = self._matches(picture, part)
            if matches:
                matched += 1
            else:
                strangers.append(picture.task_id or picture.name)
            if matches and part.format in ONE_PICTURE_A_FILE and all(match.frame is None for match in matches):
                raise ExchangeError(f"{part.name}: {matches[0].task.id}: {matches[0].fault}")
        return pictures, matched, strangers

    def _matches(self, picture: DrawnPicture, part: Part) -> list[Match]:
        by_size = part.format in NAMELESS and self._source.kind == "file"
        return self._index.find(picture, part.format, by_size)

    def _all_strange(self, pictures: int) -> str:
        run = f"run {self._manifest.run}" if self._manifest.run else "the manifest"
        count = "its only image isn't a task" if pictures == 1 else f"none of its {pictures} images is a task"
        remedy = "give the manifest that it was exported with; pictures keep the names that they were handed out with"
        return f"{self._source.name}: {count} of {run}: {self._listed(self.strangers)}: {remedy}"

    def _listed(self, names: list[str]) -> str:
        more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
        return ", ".join(shown(name, 80) for name in names[:_SHOWN_NAMES]) + more

    def _read(self, parts: list[Part]) -> Iterator[Answer]:
        for part in parts:
            for picture in _complete(part):
                matches = self._matches(picture, part)
                for match in matches:
                    answer = self._answer(picture, match, part, shared=len(matches) > 1)
                    if answer is not None:
                        yield answer

    def _answer(self, picture: DrawnPicture, match: Match, part: Part, shared: bool) -> Answer | None:
        """The answer of a picture to one task; None where it holds none."""
        draft = _Draft(picture, match, part, shared)
        if picture.verdict == "skipped":
            seconds, source = draft.seconds
            self.skipped.append(Skip(match.task.id, picture.who, seconds, source, part.name, part.sha256))
            self.messages.append(f"{match.task.id}: skipped{f' by {picture.who}' if picture.who else ''}")
            return None
        draft.faults += picture.faults
        draft.notes += picture.notes
        if match.frame is None:
            draft.faults.append(match.fault or "its pixels can't be placed")
        if picture.verdict == "undecidable" and match.frame is not None:
            return draft.undecidable()
        class_ids = self._class_ids(picture, part, draft)
        point_ids = self._point_ids(picture, match, draft)
        if draft.faults or match.frame is None:
            return draft.refused()
        if not picture.shapes and not point_ids and match.task.segment is None:
            self._note_unanswered(draft, "no shapes")
            return None
        try:
            painting = paint_region(picture, match.task, match.frame, class_ids, self._names)
            if match.task.point:
                painting = point_painting(painting, picture, match.task, match.frame, point_ids, self._names)
            elif match.task.segment is not None:
                painting = segment_painting(painting, picture, match.task, match.frame, point_ids)
        except ShapeFault as fault:
            draft.faults.append(str(fault))
            return draft.refused()
        if not painting.touched:
            self._note_unanswered(draft, "no shape on its point" if match.task.point else "no shapes in its box")
            return None
        return self._settled(draft, painting, picture)

    def _class_ids(self, picture: DrawnPicture, part: Part, draft: "_Draft") -> dict[int, int]:
        """Class id by the place of each shape; frame labels of Cityscapes have none."""
        cityscapes = part.format == "cityscapes"
        unknown: Counter[str] = Counter()
        ids: dict[int, int] = {}
        for place, shape in enumerate(picture.shapes):
            class_id = self._names.class_id(shape.label, cityscapes=cityscapes)
            if class_id is None:
                unknown[shape.label] += 1
            else:
                ids[place] = class_id
        if unknown:
            draft.faults.append(self._names.unknown_labels(unknown))
        return ids

    def _point_ids(self, picture: DrawnPicture, match: Match, draft: "_Draft") -> dict[str, int]:
        """Class id by the label of each single point; none where points say nothing, and that is told."""
        if not match.task.point and match.task.segment is None:
            draft.notes += [
                f"{each.name} ({shown(each.label)}) is a point, which has no area: not read"
                for each in picture.single_points
            ]
            return {}
        ids = {point.label: self._names.class_id(point.label) for point in picture.single_points}
        unknown = Counter(point.label for point in picture.single_points if ids[point.label] is None)
        if unknown:
            draft.faults.append(self._names.unknown_labels(unknown))
        return {label: class_id for label, class_id in ids.items() if class_id is not None}

    def _note_unanswered(self, draft: "_Draft", what: str) -> None:
        task_id = draft.match.task.id
        self.unanswered.append(task_id)
        told = [*draft.notes, f"{what}: not answered (mark it undecidable if nothing can be told)"]
        self.messages += [f"{task_id}: {each}" for each in told]

    def _settled(self, draft: "_Draft", painting: RegionPainting, picture: DrawnPicture) -> Answer:
        """The answer, after what was said about uncovered pixels."""
        draft.faults += painting.faults + ([draft.match.doubt] if draft.match.doubt else [])
        draft.notes += painting.notes
        label_map, count = painting.label_map, int(np.count_nonzero(painting.uncovered))
        if count:
            share = f"{count} of {label_map.size} px have no class ({100 * count / label_map.size:.0f} %)"
            policy = "void" if self._uncovered is None and picture.rest_is_void else self._uncovered
            if policy is None:
                draft.faults.append(f"{share}: partial; finish it, or --uncovered void")
            elif policy == "refuse":
                draft.faults.append(f"{share}: finish it, or --uncovered void")
                return draft.refused()
            else:
                label_map[painting.uncovered] = self._names.ids.get(policy, IGNORED)
                draft.notes.append(f"{share}: taken as {policy}")
        return draft.answer(painting, count)


@dataclass
class _Draft:
    """What goes into an answer, whatever becomes of it."""

    picture: DrawnPicture
    match: Match
    part: Part
    shared: bool

    def __post_init__(self) -> None:
        self.faults: list[str] = []
        self.notes: list[str] = []

    @property
    def seconds(self) -> tuple[float | None, str | None]:
        """Of a picture that answers several tasks, nobody knows the time of each."""
        return (None, None) if self.shared else (self.picture.seconds, self.picture.seconds_source)

    def refused(self) -> Answer:
        return self._made(None, refused=True, undecidable=False, uncovered=0)

    def undecidable(self) -> Answer:
        if self.picture.shapes:
            self.notes.append(f"marked undecidable: its {len(self.picture.shapes)} shapes aren't read")
        self.faults.clear()
        return self._made(None, refused=False, undecidable=True, uncovered=0)

    def answer(self, painting: RegionPainting, uncovered: int) -> Answer:
        return self._made(painting, refused=False, undecidable=False, uncovered=uncovered)

    def _made(self, painting: RegionPainting | None, *, refused: bool, undecidable: bool, uncovered: int) -> Answer:
        task, picture = self.match.task, self.picture
        _, _, height, width = task.region
        seconds, seconds_source = self.seconds
        return Answer(
            task_id=task.id,
            label_map=painting.label_map if painting else np.full((height, width), IGNORED, np.uint8),
            faults=tuple(f"{task.id}: {fault}" for fault in self.faults),
            notes=tuple(f"{task.id}: {note}" for note in self.notes),
            refused=refused,
            undecidable=undecidable,
            uncovered=uncovered,
            shapes=painting.shapes if painting else (),
            deleted=painting.deleted if painting else (),
            clicks=painting.clicks if painting else _NO_CLICKS,
            format=self.part.format,
            tool=picture.tool,
            version=picture.version,
            who=picture.who,
            started=picture.started,
            finished=picture.finished,
            seconds=seconds,
            seconds_source=seconds_source,
            source=self.part.name,
            source_sha256=self.part.sha256,
            doubtful=self.match.doubt is not None,
            mixed=painting is not None and painting.mixed,
        )


def _complete(part: Part) -> Iterator[DrawnPicture]:
    """Pictures of a part; what a reader missed in a single value is the file's fault, too."""
    try:
        yield from part.pictures()
    except ShapeFault as fault:
        raise ExchangeError(f"{part.name}: {fault}") from None
    except ExchangeError as error:
        raise error if str(error).startswith(part.name) else ExchangeError(f"{part.name}: {error}") from None
