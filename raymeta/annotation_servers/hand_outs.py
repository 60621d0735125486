"""Which tasks were handed out to which place of which server: read from the run's events, and written there."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Final

from raymeta.labels.label_store import LabelStore
from raymeta.labels.task_events import TaskEvent
from raymeta.labels.task_states import DONE, TaskState
from raymeta.locations import last_name
from raymeta.runs.run_store import RunStore

_PLACE: Final = re.compile(r"^(?P<tool>[a-z-]+):(?:project|task) (?P<number>[0-9]{1,18})$")


class HandOuts:
    """The tasks of one set that a server was given, as the run's events tell.

    Args:
        store: the run.
        labels: of the run.
        name: of the set.
        tool: of the server.
        place_name: what the tool calls a place.
        url: of the server.
    """

    def __init__(self, store: RunStore, labels: LabelStore, name: str, tool: str, place_name: str, url: str) -> None:
        self._labels, self._name = labels, name
        self._tool, self._place_name, self._url = tool, place_name, url
        self.title = f"raymeta {name} {last_name(store.location)}"
        sealed = repr([(task.id, task.image_id, task.top, task.left) for task in labels.sets.tasks(name)])
        asked = repr((name, sealed, store.load_config().model_dump_json()))
        self.mark = f"raymeta:{hashlib.sha256(asked.encode()).hexdigest()[:16]}"

    def states(self) -> list[TaskState]:
        """Of all tasks of the set."""
        return self._labels.states(self._name)

    def recorded(self) -> dict[int, set[str]]:
        """Task ids by the place that they were handed out to last, unless they were taken back since."""
        wanted = {task.id for task in self._labels.sets.tasks(self._name)}
        places: dict[str, int] = {}
        for event in self._labels.events.all():
            match = _PLACE.match(event.reason or "") if event.action == "hand_out" else None
            ours = match is not None and match["tool"] == self._tool and event.url == self._url
            for task_id in wanted.intersection(event.tasks):
                if ours and match is not None:
                    places[task_id] = int(match["number"])
                elif event.action == "recall":
                    places.pop(task_id, None)
        found: dict[int, set[str]] = {}
        for task_id, place in places.items():
            found.setdefault(place, set()).add(task_id)
        return found

    def known_places(self) -> set[int]:
        """Every place of this server that tasks of the set were ever handed out to: answers may still come from it."""
        wanted = {task.id for task in self._labels.sets.tasks(self._name)}
        found = set()
        for event in self._labels.events.all():
            match = _PLACE.match(event.reason or "") if event.action == "hand_out" else None
            ours = match is not None and match["tool"] == self._tool and event.url == self._url
            if match is not None and ours and wanted.intersection(event.tasks):
                found.add(int(match["number"]))
        return found

    def place_text(self, place: int) -> str:
        """As events and people read it: `label-studio:project 3`."""
        return f"{self._tool}:{self._place_name} {place}"

    def record(self, place: int, tasks: Sequence[str]) -> None:
        """Keep that tasks were handed out to a place."""
        if tasks:
            reason = self.place_text(place)
            self._labels.events.add(TaskEvent(action="hand_out", tasks=list(tasks), reason=reason, url=self._url))

    def take_back(self, gone: Iterable[str], reason: str) -> int:
        """Propose tasks again that are gone from the server; those that are done stay so. Gives their number."""
        wanted = set(gone)
        tasks = [state.task.id for state in self.states() if state.task.id in wanted and state.name not in DONE]
        if tasks:
            self._labels.events.add(TaskEvent(action="recall", tasks=tasks, reason=reason, url=self._url))
        return len(tasks)


def server_urls(labels: LabelStore, tool: str) -> list[str]:
    """Addresses of the servers of a tool that the run handed tasks out to."""
    found = {}
    for event in labels.events.all():
        match = _PLACE.match(event.reason or "") if event.action == "hand_out" else None
        if match is not None and match["tool"] == tool and event.url:
            found[event.url] = True
    return list(found)
