"""Push and pull: tasks to a server, and answers back. Both may be done again at any time, and change nothing then."""

import shlex
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from raymeta.annotation_servers.annotation_server import AnnotationServer, HandOut
from raymeta.annotation_servers.hand_outs import HandOuts
from raymeta.annotation_servers.rest_client import MissingError
from raymeta.exchange.errors import ExchangeError
from raymeta.labels.answer_imports import ImportSummary, import_answers
from raymeta.labels.label_store import LabelStore
from raymeta.labels.task_exports import PLAIN, PictureOptions, export_open_tasks
from raymeta.labels.task_states import OPEN
from raymeta.runs.run_lock import NoLocksError, hold_lock
from raymeta.runs.run_store import RunStore


@dataclass
class PushSummary:
    """What a push did: tasks that were sent, that were at the server already, that somebody else has."""

    sent: int = 0
    known: int = 0
    elsewhere: int = 0
    places: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def line(self) -> str:
        """One line of counts."""
        places = f" ({', '.join(dict.fromkeys(self.places))})" if self.places else ""
        return f"{self.sent} tasks sent{places}, {self.known} were there already"


@dataclass
class PullSummary:
    """What a pull brought, over all places."""

    imports: list[ImportSummary] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    refused: int = 0

    @property
    def added(self) -> int:
        """New answers."""
        return sum(each.added for each in self.imports)

    def line(self) -> str:
        """One line of counts."""
        total = ImportSummary()
        for each in self.imports:
            for name in ("read", "added", "unchanged", "refused", "skipped", "strangers"):
                setattr(total, name, getattr(total, name) + getattr(each, name))
            total.states.update(each.states)
        return total.line()


def push_tasks(
    store: RunStore,
    labels: LabelStore,
    names: Iterable[str],
    server: AnnotationServer,
    options: PictureOptions = PLAIN,
    *,
    limit: int | None = None,
    folder: Path | None = None,
) -> PushSummary:
    """Send the open tasks of some sets that the server doesn't have.

    A task counts as handed out once the server has it. What was handed out to somebody else stays there. Two pushes at
    once take turns: the second one finds what the first has sent.

    Args:
        store: the run.
        labels: of the run.
        names: of the sets.
        server: takes them.
        options: how the tasks look.
        limit: tasks of each set at most, by rank.
        folder: that the pictures are written to and stay in; None: a temporary one.

    Raises:
        ServerError: the server can't be used; what it took by then is found again by the next push.
        InputError: a picture can't be read.
    """
    summary = PushSummary()
    with _turn(store):
        _tell_version(server, summary.messages)
        for name in names:
            _push_set(store, labels, name, server, options, summary, limit, folder)
    return summary


@contextmanager
def _turn(store: RunStore) -> Iterator[None]:
    """One process after the other hands tasks out to servers. Where there are no locks, as on S3, nobody waits."""
    with ExitStack() as stack:
        if store.local_root is not None:
            with suppress(NoLocksError):
                stack.enter_context(hold_lock(store.local_root / "labels", "push.lock", wait=True))
        yield


def _push_set(
    store: RunStore,
    labels: LabelStore,
    name: str,
    server: AnnotationServer,
    options: PictureOptions,
    summary: PushSummary,
    limit: int | None,
    folder: Path | None,
) -> None:
    """Send what the server doesn't have of one set."""
    outs = HandOuts(store, labels, name, server.tool, server.place_name, server.url)
    there = _look(server, outs, summary.messages)
    states = [state for state in outs.states() if state.name in OPEN]
    ours = {task_id for tasks in outs.recorded().values() for task_id in tasks}
    at_server = {task_id for tasks in there.values() for task_id in tasks}
    for place, tasks in there.items():
        proposed = [s.task.id for s in states if s.task.id in tasks - ours and s.name != "handed_out"]
        outs.record(place, proposed)  # sent by a push that was cut off, or taken back since
    elsewhere = [s for s in states if s.name == "handed_out" and s.task.id not in at_server | ours]
    summary.elsewhere += len(elsewhere)
    summary.known += len(at_server)
    wanted = [s.task.id for s in states if s not in elsewhere and s.task.id not in at_server][:limit]
    if elsewhere:
        summary.messages.append(
            f"{name}: {len(elsewhere)} tasks are handed out to others ({elsewhere[0].note}): not sent; take them "
            f"back with `raymeta tasks recall {shlex.quote(store.location)} --set {name}` first"
        )
    if wanted:
        with tempfile.TemporaryDirectory() as temporary:
            place_ = folder / name if folder is not None else Path(temporary, "hand_out")
            manifest = export_open_tasks(
                store, labels, [name], server.tool, place_, options, only=set(wanted), announced=False
            )
            for place, ids in server.send(HandOut(outs.title, outs.mark, manifest, place_), list(there)).items():
                outs.record(place, ids)
                summary.sent += len(ids)
                summary.places.append(outs.place_text(place))


def pull_answers(
    store: RunStore, labels: LabelStore, names: Iterable[str], server: AnnotationServer, **options: Any
) -> PullSummary:
    """Fetch what people answered at a server, and keep it as an import of files does.

    Args:
        store: the run.
        labels: of the run.
        names: of the sets.
        server: to ask.
        options: of `import_answers`.

    Raises:
        ServerError: the server can't be used; nothing of the set at hand is kept then.
    """
    summary = PullSummary()
    _tell_version(server, summary.messages)
    for name in names:
        outs = HandOuts(store, labels, name, server.tool, server.place_name, server.url)
        places = _look(server, outs, summary.messages)
        with tempfile.TemporaryDirectory() as temporary:
            for place in places:
                folder = Path(temporary, str(place))
                folder.mkdir()
                fetched = server.fetch(place, folder)
                summary.messages += fetched.messages
                for file in fetched.files:
                    known = {"format": fetched.format, "confirm_unchanged": fetched.confirmed}
                    _import(store, labels, file, summary, known | options)
    return summary


def _import(store: RunStore, labels: LabelStore, file: Path, summary: PullSummary, options: dict[str, Any]) -> None:
    """One file; one that is refused whole doesn't lose the others."""
    try:
        found = import_answers(store, labels, file, **options)
    except ExchangeError as error:
        summary.refused += 1
        summary.messages.append(str(error))
        return
    summary.imports.append(found)
    summary.messages += found.messages
    summary.refused += found.refused


def _tell_version(server: AnnotationServer, messages: list[str]) -> None:
    message = server.version_message()
    if message is not None:
        messages.append(message)


def _look(server: AnnotationServer, outs: HandOuts, messages: list[str]) -> dict[int, set[str]]:
    """Task ids by place, as the server has them now; what is gone from it is proposed again."""
    recorded = outs.recorded()
    places = server.places(outs.mark, outs.known_places() | recorded.keys())
    there: dict[int, set[str]] = {}
    for place in places:
        try:
            there[place] = server.tasks_at(place)
        except MissingError:
            continue  # deleted at this moment
    everywhere: set[str] = set().union(*there.values())
    for place, tasks in recorded.items():
        gone = tasks - everywhere
        what = "was deleted" if place not in there else "no longer has some of its pictures"
        count = outs.take_back(gone, f"{outs.place_text(place)} {what}") if gone else 0
        if count:
            messages.append(f"{outs.place_text(place)} at {server.url} {what}: {count} of its tasks are proposed again")
    return there
