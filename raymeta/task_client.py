"""Tasks over HTTP from Python: hold some, look at them, answer them, decide about answers.

with Client("http://127.0.0.1:8000", token) as client:
    for task in client.tasks.lease(count=3):
        labels = my_labels(client.tasks.picture(task["id"]).png, task)  # (h, w) uint8 over the task's region
        client.tasks.answer(task["id"], labels)
"""

import base64
import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from raymeta.service_connection import ServiceConnection

VOID = 254
"""In the labels of an answer: nothing can be told of this pixel."""
UNCOVERED = 255
"""In the labels of an answer: nobody has looked at this pixel."""


@dataclass(frozen=True)
class TaskPicture:
    """What people see of a task.

    png: bytes of a PNG file, pixels of the stored image. left, top: where they lie in it. scale: pixels of the data set
    for each of them.
    """

    png: bytes
    left: int
    top: int
    scale: float


@dataclass(frozen=True)
class TaskPrelabels:
    """What the network predicts of a region.

    numbers: (h, w) int32, the segment of each pixel, 0 for none; None where nothing is predicted. segments: records
    with `id` (its number), `prelabel_id`, `class_id`, `class_name`, `predicted_iou`, `size`, and `rings` in corner
    coordinates of the stored image. source: which iteration predicts it.
    """

    numbers: NDArray[np.int32] | None
    segments: tuple[dict[str, Any], ...]
    source: str | None


@dataclass(frozen=True)
class TaskSurroundings:
    """labels: (H, W) uint8, accepted in and around a region, 255 unknown. top, left: in the data set's image."""

    labels: NDArray[np.uint8]
    top: int
    left: int


class TaskClient:
    """The routes below /v1/tasks; records are the service's JSON, see docs/http.md. Arrays need Pillow.

    Each method raises `ServiceError` where the service refuses: 403 for what the person may not do, 404 no such task,
    409 where the task has moved on meanwhile.
    """

    def __init__(self, connection: ServiceConnection) -> None:
        self._connection = connection

    def me(self) -> dict[str, Any]:
        """Who asks and what they may do, the classes, and the rules of answers."""
        return dict(self._connection.get("/v1/tasks/me", {}).json())

    def progress(self) -> dict[str, Any]:
        """How far people are."""
        return dict(self._connection.get("/v1/tasks/progress", {}).json())

    def ledger(self) -> dict[str, Any]:
        """What labelling has cost, by tool, and the hours that are still needed."""
        return dict(self._connection.get("/v1/tasks/ledger", {}).json())

    def rows(self, **parameters: Any) -> list[dict[str, Any]]:
        """Tasks; parameters: `set`, `state` (each one or several), `image_id`, `limit`, `offset`."""
        return list(self._connection.get("/v1/tasks", parameters).json()["tasks"])

    def get(self, task_id: str) -> dict[str, Any]:
        """One task with all that an editor needs beside the pixels."""
        return dict(self._connection.get(_path(task_id), {}).json())

    def lease(self, count: int = 1, set: str | None = None, task: str | None = None) -> list[dict[str, Any]]:
        """Hold tasks.

        Args:
            count: that are held in all, 1 to 10, those that are held already among them.
            set: only tasks of this set.
            task: this one task instead, an answered one too.

        Returns:
            The tasks that are held now; none where nothing is left.
        """
        body = {"count": count, "set": set, "task": task}
        return list(self._post("/v1/tasks/lease", body)["tasks"])

    def renew(self, task_ids: Sequence[str]) -> dict[str, Any]:
        """Go on holding tasks: `kept` and `lost`."""
        return self._post("/v1/tasks/lease/renew", {"tasks": [*task_ids]})

    def release(self, task_id: str) -> dict[str, Any]:
        """Give a task back unanswered."""
        return self._post(f"{_path(task_id)}/release", {})

    def picture(self, task_id: str, margin: int = 32) -> TaskPicture:
        """The region in its surroundings; margin: pixels of the stored image."""
        response = self._connection.get(f"{_path(task_id)}/picture", {"margin": margin})
        headers = response.headers
        left, top = int(headers["x-raymeta-left"]), int(headers["x-raymeta-top"])
        return TaskPicture(response.content, left, top, float(headers["x-raymeta-scale"]))

    def prelabels(self, task_id: str) -> TaskPrelabels:
        """What the network predicts of the region."""
        answer = self._connection.get(f"{_path(task_id)}/prelabels", {}).json()
        numbers = None
        if answer["raster_png"] is not None:
            planes = _pixels(answer["raster_png"]).astype(np.int32)
            numbers = planes[..., 0] + 256 * planes[..., 1] + 65536 * planes[..., 2]
        return TaskPrelabels(numbers, tuple(answer["segments"]), answer["source"])

    def surroundings(self, task_id: str, margin: int = 32) -> TaskSurroundings:
        """Labels that are accepted in and around the region by now."""
        answer = self._connection.get(f"{_path(task_id)}/surroundings", {"margin": margin}).json()
        return TaskSurroundings(_pixels(answer["raster_png"]), int(answer["top"]), int(answer["left"]))

    def draft(self, task_id: str, content: Mapping[str, Any]) -> None:
        """Keep an unfinished answer, whatever it is, as JSON."""
        self._connection.send("PUT", f"{_path(task_id)}/draft", json={"draft": dict(content)})

    def drop_draft(self, task_id: str) -> None:
        """Forget an unfinished answer."""
        self._connection.send("DELETE", f"{_path(task_id)}/draft")

    def answer(
        self, task_id: str, labels: NDArray[np.uint8] | None = None, answer_id: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """Answer a task.

        Args:
            task_id: of the task.
            labels: (h, w) uint8 over its region: class ids, 254 void, 255 uncovered. None where `more` has `shapes`, or
                `undecidable=True`.
            answer_id: a UUID; an answer that is sent twice under one id counts once. None makes one.
            more: `shapes`, `undecidable`, `uncovered`, `clicks`, `active_seconds`, `first_action_seconds`.

        Returns:
            What became of it: `new`, `message`, `task`, `agreement` with another person's answer.
        """
        body = {**more, "raster_png": None if labels is None else _png(labels)}
        path = f"{_path(task_id)}/answers/{answer_id or uuid.uuid4()}"
        return dict(self._connection.send("PUT", path, json=body).json())

    def answers(self, task_id: str) -> dict[str, Any]:
        """Answers that the person may see, and how far they agree."""
        return dict(self._connection.get(f"{_path(task_id)}/answers", {}).json())

    def skip(self, task_id: str, reason: str | None = None) -> dict[str, Any]:
        """Pass a task on."""
        return self._post(f"{_path(task_id)}/skip", {"reason": reason})

    def accept(
        self, task_id: str, answer_id: str, seen: Sequence[str] = (), reason: str | None = None
    ) -> dict[str, Any]:
        """Let an answer count; seen: ids of all answers that were looked at."""
        body = {"answer_id": answer_id, "seen": [*seen], "reason": reason}
        return self._post(f"{_path(task_id)}/accept", body)

    def return_task(self, task_id: str, reason: str) -> dict[str, Any]:
        """Ask again, and let what was answered count no longer."""
        return self._post(f"{_path(task_id)}/return", {"reason": reason})

    def reopen(self, task_id: str, reason: str | None = None) -> dict[str, Any]:
        """Ask again; what was accepted counts until somebody answers."""
        return self._post(f"{_path(task_id)}/reopen", {"reason": reason})

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._connection.send("POST", path, json=body).json())


def _path(task_id: str) -> str:
    return f"/v1/tasks/{quote(task_id, safe='')}"


def _pixels(encoded: str) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        return np.asarray(image)


def _png(labels: NDArray[np.uint8]) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(labels, dtype=np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
