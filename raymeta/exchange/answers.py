"""What one person, or one file, says about one task."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raymeta.exchange.effort import AnswerShape, HumanClicks


@dataclass(frozen=True, eq=False)
class Answer:
    """One annotation of one task; two of one task in a file are two answers.

    task_id: of the manifest.
    label_map: (h, w) uint8 over the task's region in the data set's pixels: class ids, 255 where nothing is known.
    faults: what is wrong with it or was cut off, for the person who reads the import's summary; each names the task.
    notes: what else is to be told.
    refused: whether it can't be used; its label map is then 255 all over, and nothing of it may be stored.
    doubtful: whether it may be another task's: its file doesn't say which. A fault tells more.
    undecidable: whether somebody said that nothing can be told here: void as a whole.
    uncovered: pixels of the region that no shape covers; after `uncovered="void"` or a class, before that.
    shapes: in painting order, in corner coordinates of the stored image.
    deleted: ids of pre-annotations that are gone.
    clicks: by geometry.
    mixed: whether it says that the segment that is asked has several classes.
    format, tool, version: how it was drawn. who: as the tool names them. started, finished: times as the file has them.
    seconds: None where unknown. seconds_source: where they come from (`ls_lead_time`).
    source: name of the file. source_sha256: of the file, or of the archive that it lay in.
    """

    task_id: str
    label_map: NDArray[np.uint8]
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    refused: bool
    undecidable: bool
    uncovered: int
    shapes: tuple[AnswerShape, ...]
    deleted: tuple[str, ...]
    clicks: HumanClicks
    format: str
    tool: str | None
    version: str | None
    who: str | None
    started: str | None
    finished: str | None
    seconds: float | None
    seconds_source: str | None
    source: str
    source_sha256: str
    doubtful: bool = False
    mixed: bool = False

    @property
    def messages(self) -> tuple[str, ...]:
        """Faults and notes."""
        return self.faults + self.notes

    @property
    def vertices(self) -> int | None:
        """Points of all drawn shapes; None if one of them is a mask."""
        if any(shape.geometry == "mask" for shape in self.shapes):
            return None
        return sum(len(ring) for shape in self.shapes for ring in shape.rings)

    def content_sha256(self) -> str:
        """Digest of what is said about the task, whatever file or tool it came from: equal answers have the same."""
        digest = hashlib.sha256(repr((self.task_id, self.label_map.shape, self.undecidable, self.who)).encode())
        digest.update(np.ascontiguousarray(self.label_map).tobytes())
        for shape in self.shapes:
            digest.update(repr((shape.label, shape.fill, shape.rule, [len(ring) for ring in shape.rings])).encode())
            for ring in shape.rings:
                digest.update(np.round(ring, 6).astype("<f8").tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Skip:
    """Somebody looked at a task and passed it on."""

    task_id: str
    who: str | None
    seconds: float | None
    seconds_source: str | None
    source: str
    source_sha256: str
