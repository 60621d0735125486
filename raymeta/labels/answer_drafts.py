"""Unfinished answers: one file a person and task, replaced as the person goes on."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from raymeta.labels.answer_files import now
from raymeta.labels.task_sets import Task
from raymeta.runs.store_files import StoreFiles

_FOLDER: Final = "labels/drafts"


@dataclass(frozen=True)
class Draft:
    """What somebody left unfinished: whatever the page keeps, as JSON, and when."""

    time: str
    content: dict[str, Any]


class AnswerDrafts:
    """The drafts of a run below RUN/labels/drafts. They are no answers: one that is lost costs work, nothing else."""

    def __init__(self, files: StoreFiles) -> None:
        self._files = files

    def get(self, task: Task, who: str) -> Draft | None:
        """The draft of a person; None where there is none, or an unreadable one."""
        data = self._files.read(_path(task, who))
        try:
            values = json.loads(data) if data else None
            return None if values is None else Draft(str(values["time"]), dict(values["content"]))
        except (ValueError, KeyError, TypeError):
            return None

    def put(self, task: Task, who: str, content: dict[str, Any]) -> Draft:
        """Keep a draft in place of the one before."""
        draft = Draft(now(), content)
        data = json.dumps({"who": who, "time": draft.time, "content": content}).encode()
        self._files.write_new(_path(task, who), data)
        return draft

    def drop(self, task: Task, who: str) -> None:
        """Remove a draft; a missing one is no error."""
        self._files.delete(_path(task, who))


def _path(task: Task, who: str) -> str:
    return f"{_FOLDER}/{task.set}/{task.id}.{hashlib.sha256(who.encode()).hexdigest()[:16]}.json"
