"""Whether an image is still the file that people were asked about: an answer to another picture labels nothing."""

import hashlib
from typing import Final

from raymeta.datasets.sample import Dataset, DatasetError
from raymeta.labels.task_sets import Task

SHOWN: Final = 12
"""Digits of a checksum in messages."""


class PictureFiles:
    """Checksums of image files, each read again only after it was written.

    Args:
        dataset: names the files.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._known: dict[str, tuple[tuple[int, int], str]] = {}

    def sha256(self, image_id: str) -> str | None:
        """Of the file's bytes, in hexadecimal; None where there is none to read."""
        try:
            file = self._dataset.source(image_id).file
            written = file.stat()
            seen = (written.st_mtime_ns, written.st_size)
            known = self._known.get(image_id)
            if known is None or known[0] != seen:
                known = seen, hashlib.sha256(file.read_bytes()).hexdigest()
                self._known[image_id] = known
            return known[1]
        except (OSError, DatasetError):
            return None

    def fault(self, task: Task) -> str | None:
        """What to say of an answer to a task whose picture is another file now; None for the same or an unknown one."""
        if task.picture_sha256 is None:
            return None
        found = self.sha256(task.image_id)
        if found is None or found == task.picture_sha256:
            return None
        return (
            f"{task.id}: {task.image_id} is another file than the one handed out (sha256 {found[:SHOWN]}…, asked was "
            f"{task.picture_sha256[:SHOWN]}…): the answer isn't taken. Put the old file back, or withdraw the task: "
            f"`raymeta tasks close RUN --task {task.id}`"
        )
