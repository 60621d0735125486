"""Calls to the one process that hands tasks out: plain values that travel between processes."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from raymeta.labels.annotator_list import Person
from raymeta.service.settings import ServiceSettings

TaskMethod = Literal[
    "rows",
    "progress",
    "sets",
    "lease",
    "renew",
    "release",
    "detail",
    "draft",
    "drop_draft",
    "answer",
    "skip",
    "accept",
    "return_task",
    "reopen",
    "answers",
]
"""Names of methods of `TaskService`."""


@dataclass(frozen=True)
class TaskCall:
    """One call. person: who asks; None reads only. arguments: of the method of `TaskService`, by name."""

    method: TaskMethod
    person: Person | None
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskReply:
    """value: what the method gives. status: of HTTP, other than 200 where it was refused; detail: then tells why."""

    value: Any = None
    status: int = 200
    detail: str = ""


class TaskBackend(Protocol):
    """Whatever hands tasks out for the HTTP side."""

    async def call(self, call: TaskCall) -> TaskReply:
        """Do it. Every call may be repeated: nothing counts twice.

        Raises:
            BackendBusyError: the process that does it isn't up.
        """


class LocalTaskBackend:
    """Hands tasks out in this process: for a service of one process."""

    def __init__(self, settings: ServiceSettings) -> None:
        from raymeta.service.tasks.task_service import TaskService

        self._service = TaskService(settings)
        self._thread = ThreadPoolExecutor(1)

    async def call(self, call: TaskCall) -> TaskReply:
        """See `TaskBackend.call`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._service.reply, call)
