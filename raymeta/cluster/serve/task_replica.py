"""The Serve deployment that hands tasks out: one process for all HTTP processes, so that no task has two holders."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from raymeta.service.settings import ServiceSettings
from raymeta.service.tasks.task_calls import TaskCall, TaskReply

TASKS: Final = "TaskDispatcher"


class TaskReplica:
    """Does one call after the other. All that it knows is in the run folder: a new one goes on where it ended.

    Raises:
        RunError, DatasetError: no run, or its data set is not there.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        from raymeta.service.tasks.task_service import TaskService

        logging.getLogger("raymeta").setLevel(logging.INFO)
        self._service = TaskService(settings)
        self._thread = ThreadPoolExecutor(1)

    async def call(self, call: TaskCall) -> TaskReply:
        """Do one call on the thread that does them all."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._service.reply, call)
