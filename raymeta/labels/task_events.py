"""What was decided about tasks, one immutable file each: accepted, returned, closed and so on."""

import uuid
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from raymeta.labels.answer_files import now
from raymeta.runs.store_files import RunError, StoreFiles

Action = Literal["hand_out", "skip", "accept", "return", "reopen", "close", "recall"]
_FOLDER: Final = "labels/events"


class TaskEvent(BaseModel):
    """One decision.

    Attributes:
        tasks: ids of the tasks that it is about.
        answer: id of the answer that it is about; of `accept`.
        reason: in somebody's words, or to whom tasks were handed out.
        until: when a hand-out to one person ends by itself; None where it doesn't.
        url: of the annotation server that tasks were handed out to.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    time: str = Field(default_factory=now)
    action: Action
    tasks: list[str]
    who: str | None = None
    answer: str | None = None
    reason: str | None = None
    until: str | None = None
    url: str | None = None


class TaskEvents:
    """The decisions of a run below RUN/labels/events: files with unique names, so that writers never collide."""

    def __init__(self, files: StoreFiles) -> None:
        self._files = files
        self._known: dict[str, TaskEvent] = {}

    def all(self) -> list[TaskEvent]:
        """Every event, by time.

        Raises:
            RunError: a file is damaged.
        """
        events = [self._read(name) for name in self._files.files(_FOLDER) if name.endswith(".json")]
        return sorted(events, key=lambda event: (event.time, event.id))

    def add(self, event: TaskEvent) -> None:
        """Keep an event."""
        name = f"{event.time.replace(':', '')}-{event.id}.json"
        self._files.write_new(f"{_FOLDER}/{name}", (event.model_dump_json() + "\n").encode())

    def _read(self, name: str) -> TaskEvent:
        if name not in self._known:
            path = f"{_FOLDER}/{name}"
            try:
                self._known[name] = TaskEvent.model_validate_json(self._files.read(path) or b"")
            except ValidationError as error:
                raise RunError(f"{self._files.path(path)} is damaged: restore it from a copy, or remove it") from error
        return self._known[name]
