"""CVAT by REST: tasks of up to a thousand pictures, answers from the jobs that people completed."""

import json
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from raymeta.annotation_servers.annotation_server import Fetched, HandOut
from raymeta.annotation_servers.cvat_prelabels import prelabel_shapes
from raymeta.annotation_servers.rest_client import MissingError, RestClient, ServerError, checked_token, server_url
from raymeta.exchange.cvat_jobs import JobFrame, job_xml
from raymeta.exchange.errors import ShapeFault, shown
from raymeta.exchange.json_values import entries, mapping, member, short_text, text, whole
from raymeta.exchange.manifest import Task

TOKEN_VARIABLE: Final = "CVAT_ACCESS_TOKEN"
"""The variable that CVAT's own clients read."""
FIRST_TRIED: Final = (2, 32)
LAST_TRIED: Final = (2, 80)
MAX_PICTURES: Final = 1000
"""Of one task."""
PICTURES_PER_JOB: Final = 20
_UNFINISHED: Final = "(being sent)"
_MAX_BATCH_BYTES: Final = 32 << 20
_PICTURE: Final = re.compile(r"^(?:.*/)?([A-Za-z0-9][A-Za-z0-9_.-]*)\.png$")
_JOB_KINDS: Final = ("annotation", "normal")
"""What a job of people is called; ground truth and replicas aren't read."""


class CvatServer:
    """Implements `AnnotationServer`.

    Args:
        url: of the server.
        token: a personal access token, or an older server's key.
        wait_s: for the server to take pictures in.
        options: of `RestClient`.
    """

    tool = "cvat"
    place_name = "task"

    def __init__(self, url: str, token: str | None, *, wait_s: float = 600.0, **options: Any) -> None:
        self.url = server_url(url)
        self._wait_s = wait_s
        self._version: str | None = None
        login = _Login(checked_token(token, TOKEN_VARIABLE, "CVAT"))
        self._rest = RestClient(self.url, "CVAT", login, TOKEN_VARIABLE, **options)

    def version_message(self) -> str | None:
        """See `AnnotationServer.version_message`."""
        found = self._rest.get("/api/server/about")
        version = found.get("version") if isinstance(found, dict) else None
        parts = re.match(r"(\d{1,4})\.(\d{1,4})", version) if isinstance(version, str) else None
        if parts is None:
            raise self._rest.odd("/api/server/about", "no version")
        self._version = version
        if FIRST_TRIED <= (int(parts[1]), int(parts[2])) <= LAST_TRIED:
            return None
        tried = "–".join(f"{major}.{minor}" for major, minor in (FIRST_TRIED, LAST_TRIED))
        return f"CVAT {shown(version, 30)} at {self.url}: this was tried with the API of {tried}; going on"

    def places(self, mark: str, recorded: Collection[int]) -> list[int]:
        """See `AnnotationServer.places`."""
        found = {number for number, name in self._marked(mark) if _UNFINISHED not in name}
        return sorted(found | {number for number in recorded if number not in found and self._is_there(number)})

    def tasks_at(self, place: int) -> set[str]:
        """See `AnnotationServer.tasks_at`."""
        return {match[1] for frame in self._frames(place) if (match := _PICTURE.match(frame.name))}

    def send(self, hand_out: HandOut, places: Collection[int]) -> Mapping[int, list[str]]:
        """See `AnnotationServer.send`. A task can't take more pictures later: what is new goes into a new one."""
        for number, name in list(self._marked(hand_out.mark)):
            if _UNFINISHED in name:  # of a push that was cut off: nobody was told of it
                self._rest.call("DELETE", f"/api/tasks/{number}")
        sent = {}
        tasks = hand_out.manifest.tasks
        for start in range(0, len(tasks), MAX_PICTURES):
            part = tasks[start : start + MAX_PICTURES]
            sent[self._make_task(hand_out, part)] = [task.id for task in part]
        return sent

    def fetch(self, place: int, folder: Path) -> Fetched:
        """See `AnnotationServer.fetch`."""
        fetched = Fetched("cvat", confirmed=True)
        frames = self._frames(place)
        labels = {number: name for name, number in self._labels(place).items()}
        unfinished = others = 0
        for job in self._rest.pages("/api/jobs", task_id=place, page_size=100):
            if job.get("type", _JOB_KINDS[0]) not in _JOB_KINDS:
                others += 1
            elif job.get("state") != "completed":
                unfinished += 1
            else:
                fetched.files.append(self._fetch_job(job, frames, labels, folder))
        if unfinished:
            jobs = "1 job isn't" if unfinished == 1 else f"{unfinished} jobs aren't"
            fetched.messages.append(f"cvat:task {place}: {jobs} completed yet: not read")
        if others:
            fetched.messages.append(f"cvat:task {place}: {others} jobs of ground truth or replicas aren't read")
        return fetched

    def _fetch_job(
        self, job: Mapping[str, Any], frames: Sequence[JobFrame], labels: Mapping[int, str], folder: Path
    ) -> Path:
        path = "/api/jobs"
        try:
            number, first, last = whole(job, "id"), whole(job, "start_frame"), whole(job, "stop_frame")
            path = f"/api/jobs/{number}/annotations/"
            assignee = mapping(job, "assignee", {})
            mine = [frame for frame in frames if first <= frame.number <= last]
            who = short_text(assignee.get("username"))
            data = job_xml(self._rest.get(path), mine, labels, who, self._version)
        except ShapeFault as fault:
            raise self._rest.odd(path, f"no job's annotations ({fault})") from None
        file = folder / f"cvat job {number}.xml"
        file.write_bytes(data)
        return file

    def _marked(self, mark: str) -> Iterator[tuple[int, str]]:
        """Numbers and names of the tasks that carry a mark."""
        for task in self._rest.pages("/api/tasks", search=mark, page_size=100):
            number, name = task.get("id"), task.get("name")
            if isinstance(number, int) and isinstance(name, str) and mark in name.split():
                yield number, name

    def _is_there(self, task: int) -> bool:
        try:
            self._rest.get(f"/api/tasks/{task}")
        except MissingError:
            return False
        return True

    def _make_task(self, hand_out: HandOut, part: Sequence[Task]) -> int:
        """A task with pictures and pre-annotations; it gets its name last, which says that it is whole."""
        labels = json.loads((hand_out.folder / "labels.json").read_bytes())
        spec = {"name": f"{hand_out.title} {_UNFINISHED} {hand_out.mark}", "labels": labels}
        made = self._rest.call("POST", "/api/tasks", json={**spec, "segment_size": PICTURES_PER_JOB})
        number = made.get("id") if isinstance(made, dict) else None
        if not isinstance(number, int):
            raise self._rest.odd("/api/tasks", "no task")
        self._upload(number, [hand_out.folder / "pictures" / f"{task.id}.png" for task in part])
        numbers = {frame.name: frame.number for frame in self._frames(number)}
        if numbers.keys() != {f"{task.id}.png" for task in part}:
            raise self._rest.odd(f"/api/tasks/{number}/data/meta", "other pictures than were sent")
        ids = self._labels(number)
        if not {label["name"] for label in labels} <= ids.keys():
            raise self._rest.odd("/api/labels", "other labels than were sent")
        shapes = [shape for task in part for shape in prelabel_shapes(task, numbers[f"{task.id}.png"], ids)]
        if shapes:
            path, content = f"/api/tasks/{number}/annotations/", {"shapes": shapes, "tags": [], "tracks": []}
            self._rest.call("PATCH", path, json={"version": 0, **content}, params={"action": "create"})
        self._rest.call("PATCH", f"/api/tasks/{number}", json={"name": f"{hand_out.title} {hand_out.mark}"})
        return number

    def _upload(self, task: int, pictures: Sequence[Path]) -> None:
        path = f"/api/tasks/{task}/data/"
        self._rest.call("POST", path, headers={"Upload-Start": "true"})
        for batch in _batches(pictures):
            files = [
                (f"client_files[{place}]", (file.name, file.read_bytes(), "image/png"))
                for place, file in enumerate(batch)
            ]
            self._rest.call(
                "POST", path, files=files, data={"image_quality": "100"}, headers={"Upload-Multiple": "true"}
            )
        content = {"image_quality": 100, "sorting_method": "predefined", "use_cache": True}
        order = {"upload_file_order": [file.name for file in pictures]}
        found = self._rest.call("POST", path, json=content | order, headers={"Upload-Finish": "true"})
        request = found.get("rq_id") if isinstance(found, dict) else None
        if not isinstance(request, str):
            raise self._rest.odd(path, "no request to wait for")
        self._wait(request)

    def _wait(self, request: str) -> None:
        """Until the server has taken the pictures in."""
        path, pause = f"/api/requests/{quote(request, safe='')}", 0.2
        ends = time.monotonic() + self._wait_s
        while True:
            found = self._rest.get(path)
            status = found.get("status") if isinstance(found, dict) else None
            if status == "finished":
                return
            if status not in ("queued", "started"):
                reason = short_text(found.get("message")) if isinstance(found, dict) else None
                raise ServerError(f"CVAT at {self.url} couldn't take the pictures in: {reason or shown(status)}")
            if time.monotonic() > ends:
                raise ServerError(
                    f"CVAT at {self.url} hasn't taken the pictures in for {self._wait_s:.0f} s: push again"
                )
            time.sleep(pause)
            pause = min(2 * pause, 5.0)

    def _frames(self, task: int) -> list[JobFrame]:
        """Pictures of a task that aren't deleted."""
        path = f"/api/tasks/{task}/data/meta"
        found = self._rest.get(path)
        try:
            deleted = set(entries(found, "deleted_frames", []))
            first = whole(found, "start_frame") if member(found, "start_frame", None) is not None else 0
            return [
                JobFrame(first + place, text(frame, "name"), whole(frame, "height", 1), whole(frame, "width", 1))
                for place, frame in enumerate(entries(found, "frames"))
                if first + place not in deleted
            ]
        except (ShapeFault, TypeError) as fault:
            raise self._rest.odd(path, f"no list of pictures ({fault})") from None

    def _labels(self, task: int) -> dict[str, int]:
        """Label ids by name."""
        labels = {}
        for label in self._rest.pages("/api/labels", task_id=task, page_size=100):
            if isinstance(label.get("id"), int) and isinstance(label.get("name"), str):
                labels[label["name"]] = label["id"]
        return labels


def _batches(pictures: Sequence[Path]) -> Iterator[list[Path]]:
    """Pictures that go into one request."""
    batch: list[Path] = []
    size = 0
    for picture in pictures:
        more = picture.stat().st_size
        if batch and size + more > _MAX_BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(picture)
        size += more
    if batch:
        yield batch


class _Login:
    """The header of a token: as a personal access token first, then as a key of older servers."""

    def __init__(self, token: str) -> None:
        self._token, self._kind = token, "Bearer"

    def __call__(self, fresh: bool) -> str:
        if fresh:
            self._kind = "Token" if self._kind == "Bearer" else "Bearer"
        return f"{self._kind} {self._token}"
