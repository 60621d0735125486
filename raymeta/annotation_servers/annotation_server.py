"""What every annotation server does for a run: the protocol that push and pull work by."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from raymeta.exchange import Manifest


@dataclass(frozen=True)
class HandOut:
    """Tasks of one set, written as a folder, to be sent.

    title: for people. mark: by which the server's project or task is found again.
    """

    title: str
    mark: str
    manifest: Manifest
    folder: Path


@dataclass(frozen=True)
class Fetched:
    """Files with answers, in the format that `format` names, and what is to be told of the rest.

    confirmed: whether people said that they are done with all of it, so that what is as predicted was looked at.
    """

    format: str
    confirmed: bool = False
    files: list[Path] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


class AnnotationServer(Protocol):
    """A server with places (projects, tasks) that hold raymeta's tasks."""

    tool: str
    """Also the name of the files that are handed out: `label-studio` or `cvat`."""
    place_name: str
    """What the tool calls a place: `project` or `task`."""
    url: str

    def version_message(self) -> str | None:
        """What is to be said of the server's version; None where it was tried."""
        ...

    def places(self, mark: str, recorded: Collection[int]) -> list[int]:
        """Numbers of the places that hold tasks of a mark, or were recorded to, and are still there."""
        ...

    def tasks_at(self, place: int) -> set[str]:
        """Ids of the run's tasks at a place."""
        ...

    def send(self, hand_out: HandOut, places: Collection[int]) -> Mapping[int, list[str]]:
        """Send tasks that are at none of the places; gives the ids at each place that took some."""
        ...

    def fetch(self, place: int, folder: Path) -> Fetched:
        """Write what people answered at a place as files below a folder, whole or not at all."""
        ...
