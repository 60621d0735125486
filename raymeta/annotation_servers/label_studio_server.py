"""Label Studio by REST: a project a set, pictures uploaded or served elsewhere, answers by the JSON export."""

import json
import re
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from raymeta.annotation_servers.annotation_server import Fetched, HandOut
from raymeta.annotation_servers.rest_client import MissingError, RestClient, ServerError, checked_token, server_url
from raymeta.exchange.errors import ExchangeError, shown
from raymeta.exchange.json_values import load_json, short_text
from raymeta.exchange.limits import MAX_JSON_BYTES

TOKEN_VARIABLE: Final = "LABEL_STUDIO_API_KEY"
"""The variable that Label Studio's own clients read."""
TRIED: Final = "1.23"
_BATCH: Final = 50
"""Pictures of one upload, tasks of one import."""
_MAX_TITLE: Final = 50
_UPLOAD_HASH: Final = re.compile(r"^[0-9a-f]{8}-")
_LOOKS: Final = (0.0, 1.0, 3.0, 10.0)
"""Seconds before each look whether imported tasks are there: some editions import behind the answer."""


class LabelStudioServer:
    """Implements `AnnotationServer`.

    Args:
        url: of the server.
        token: a personal access token (JWT), or a legacy one.
        pictures_at: address below which the pictures are served, each by its task's id; None: they are uploaded.
        options: of `RestClient`.
    """

    tool = "label-studio"
    place_name = "project"

    def __init__(self, url: str, token: str | None, *, pictures_at: str | None = None, **options: Any) -> None:
        self.url = server_url(url)
        self._pictures_at = None if pictures_at is None else pictures_at.rstrip("/") + "/"
        login = _Login(self.url, checked_token(token, TOKEN_VARIABLE, "Label Studio"), options)
        self._rest = RestClient(self.url, "Label Studio", login, TOKEN_VARIABLE, **options)

    def version_message(self) -> str | None:
        """See `AnnotationServer.version_message`."""
        found = self._rest.get("/api/version")
        version = found.get("release") if isinstance(found, dict) else None
        if not isinstance(version, str):
            raise self._rest.odd("/api/version", "no version")
        if version == TRIED or version.startswith(f"{TRIED}."):
            return None
        return f"Label Studio {shown(version, 30)} at {self.url}: this was tried with {TRIED}; going on"

    def places(self, mark: str, recorded: Collection[int]) -> list[int]:
        """See `AnnotationServer.places`."""
        found = set()
        for project in self._rest.pages("/api/projects/", page_size=100, include="id,title,description"):
            number = project.get("id")
            lines = str(project.get("description") or "").split()
            if isinstance(number, int) and (mark in lines or number in recorded):
                found.add(number)
        return sorted(found | {number for number in recorded if number not in found and self._is_there(number)})

    def tasks_at(self, place: int) -> set[str]:
        """See `AnnotationServer.tasks_at`."""
        return set(self._task_ids(place))

    def send(self, hand_out: HandOut, places: Collection[int]) -> Mapping[int, list[str]]:
        """See `AnnotationServer.send`."""
        project = max(places) if places else self._make_project(hand_out)
        data = (hand_out.folder / "tasks.json").read_bytes()
        tasks = json.loads(data)
        for start in range(0, len(tasks), _BATCH):
            batch = tasks[start : start + _BATCH]
            self._address(project, batch, hand_out.folder)
            self._rest.call("POST", f"/api/projects/{project}/import", json=batch, params={"return_task_ids": "true"})
        wanted = [task["data"]["raymeta"]["task"] for task in tasks]
        for pause in _LOOKS:
            time.sleep(pause)
            there = self.tasks_at(project)
            if there.issuperset(wanted):
                return {project: wanted}
        missing = sorted(set(wanted) - there)
        raise ServerError(
            f"Label Studio at {self.url} took {len(wanted)} tasks into project {project}, and {len(missing)} aren't "
            f"there yet, {missing[0]} among them: push again"
        )

    def fetch(self, place: int, folder: Path) -> Fetched:
        """See `AnnotationServer.fetch`."""
        path = f"/api/projects/{place}/export"
        raw = folder / "export.part"
        self._rest.download(path, raw, MAX_JSON_BYTES, exportType="JSON", download_all_tasks="true")
        try:
            tasks = load_json(raw.read_bytes(), f"the export of project {place} of {self.url}")
        except ExchangeError as error:
            raise ServerError(str(error)) from None
        finally:
            raw.unlink()
        if not isinstance(tasks, list):
            raise self._rest.odd(path, "no list of tasks")
        answered = [task for task in tasks if isinstance(task, dict) and task.get("annotations")]
        fetched = Fetched("label-studio")
        if not answered:
            return fetched
        _name_people(answered, self._people())
        file = folder / f"label-studio project {place}.json"
        file.write_text(json.dumps(answered), encoding="utf-8")
        fetched.files.append(file)
        return fetched

    def _is_there(self, project: int) -> bool:
        try:
            self._rest.get(f"/api/projects/{project}/")
        except MissingError:
            return False
        return True

    def _make_project(self, hand_out: HandOut) -> int:
        config = (hand_out.folder / "config.xml").read_text(encoding="utf-8")
        found = self._rest.call(
            "POST",
            "/api/projects/",
            json={
                "title": hand_out.title[:_MAX_TITLE],
                "description": f"{hand_out.title}\n{hand_out.mark}",
                "label_config": config,
                "show_collab_predictions": True,
            },
        )
        number = found.get("id") if isinstance(found, dict) else None
        if not isinstance(number, int):
            raise self._rest.odd("/api/projects/", "no project")
        return number

    def _address(self, project: int, tasks: list[dict[str, Any]], folder: Path) -> None:
        """Put the address of each picture into its task; uploads it unless it is served elsewhere."""
        names = [f"{task['data']['raymeta']['task']}.png" for task in tasks]
        if self._pictures_at is not None:
            addresses = {name: self._pictures_at + name for name in names}
        else:
            addresses = self._upload(project, [folder / "pictures" / name for name in names])
        for task, name in zip(tasks, names, strict=True):
            task["data"]["image"] = addresses[name]

    def _upload(self, project: int, pictures: list[Path]) -> dict[str, str]:
        """Addresses at the server by file name."""
        path = f"/api/projects/{project}/import"
        files = [(file.name, (file.name, file.read_bytes(), "image/png")) for file in pictures]
        found = self._rest.call("POST", path, files=files, params={"commit_to_project": "false"})
        ids = found.get("file_upload_ids") if isinstance(found, dict) else None
        if not isinstance(ids, list) or len(ids) != len(pictures):
            raise self._rest.odd(path, "no uploaded files")
        uploads = self._rest.get(f"/api/projects/{project}/file-uploads", ids=json.dumps(ids))
        addresses = {}
        for upload in uploads if isinstance(uploads, list) else []:
            stored = upload.get("file") if isinstance(upload, dict) else None
            if isinstance(stored, str):
                addresses[_UPLOAD_HASH.sub("", stored.rsplit("/", 1)[-1])] = f"/data/{stored}"
        if not all(file.name in addresses for file in pictures):
            raise self._rest.odd(f"/api/projects/{project}/file-uploads", "other files than were uploaded")
        return addresses

    def _task_ids(self, project: int) -> Iterator[str]:
        """Task ids of raymeta in a project, page by page."""
        seen, page = 0, 1
        while True:
            parameters = {"project": project, "page": page, "page_size": 100, "fields": "task_only"}
            found = self._rest.get("/api/tasks/", **parameters)
            tasks = found.get("tasks") if isinstance(found, dict) else None
            if not isinstance(tasks, list) or not isinstance(found.get("total"), int):
                raise self._rest.odd("/api/tasks/", "no list of tasks")
            for task in tasks:
                data = task.get("data") if isinstance(task, dict) else None
                own = data.get("raymeta") if isinstance(data, dict) else None
                task_id = own.get("task") if isinstance(own, dict) else None
                if isinstance(task_id, str):
                    yield task_id
            seen, page = seen + len(tasks), page + 1
            if not tasks or seen >= found["total"]:
                return

    def _people(self) -> dict[int, str]:
        """Names of people by their numbers, as far as this token may see them."""
        try:
            found = self._rest.get("/api/users/")
        except ServerError:
            return {}
        people = found if isinstance(found, list) else []
        named = {each.get("id"): short_text(each.get("email")) for each in people if isinstance(each, dict)}
        return {number: name for number, name in named.items() if isinstance(number, int) and name}


def _name_people(tasks: list[dict[str, Any]], people: Mapping[int, str]) -> None:
    """Put names where the export has the numbers of people."""
    for task in tasks:
        for annotation in task["annotations"] if isinstance(task["annotations"], list) else []:
            by = annotation.get("completed_by") if isinstance(annotation, dict) else None
            if isinstance(by, int) and by in people:
                annotation["completed_by"] = {"id": by, "email": people[by]}


class _Login:
    """The header of a token: a personal one is traded for access tokens, which live some minutes."""

    def __init__(self, url: str, token: str, options: dict[str, Any]) -> None:
        self._url, self._token, self._options = url, token, options
        self._access: str | None = None

    def __call__(self, fresh: bool) -> str:
        if self._token.count(".") != 2:
            return f"Token {self._token}"
        if self._access is None or fresh:
            with RestClient(self._url, "Label Studio", None, TOKEN_VARIABLE, **self._options) as rest:
                path = "/api/token/refresh"
                found = rest.call("POST", path, json={"refresh": self._token})
                access = found.get("access") if isinstance(found, dict) else None
                if not isinstance(access, str):
                    raise rest.odd(path, "no access token")
                self._access = checked_token(access, TOKEN_VARIABLE, "Label Studio")
        return f"Bearer {self._access}"
