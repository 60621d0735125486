"""Tasks out to annotation tools, what was handed out so far, and the labels that came of it."""

import shlex
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import Dataset
from raymeta.errors import InputError
from raymeta.exchange import Manifest, OpenTask, TaskClass, export_tasks, load_manifest
from raymeta.exchange.manifest import MANIFEST_FILE
from raymeta.exchange.manifest import Task as HandedOut
from raymeta.labels.answer_files import now
from raymeta.labels.label_store import LabelStore
from raymeta.labels.predrawn_shapes import asked_segment, predrawn_shapes
from raymeta.labels.task_events import TaskEvent
from raymeta.labels.task_pictures import TaskPictures
from raymeta.labels.task_sets import Task
from raymeta.labels.task_states import OPEN
from raymeta.runs.run_store import RunStore

EXPORTS: Final = "labels/exports"
"""What was handed out, export by export: read where the list of tasks doesn't lie beside the answers."""


class ImportRefusedError(InputError):
    """Files that belong to no task of the run."""


def task_classes(dataset: Dataset) -> list[TaskClass]:
    """The classes of a data set as annotation tools get them."""
    colors = ["#" + bytes(color.tolist()).hex() for color in dataset.palette]
    return [TaskClass(id=i, name=name, color=colors[i]) for i, name in enumerate(dataset.class_names)]


@dataclass(frozen=True)
class PictureOptions:
    """How tools show tasks.

    margin: pixels around a box that are shown dimmed, and at least around a point; None shows the whole image.
    prelabels: whether the predicted segments of the tasks are pre-drawn, where there are some. simplify: tolerance in
    pixels of the pictures by which their borders are simplified; 0 keeps every step.
    """

    margin: int | None = 32
    prelabels: bool = False
    simplify: float = 0.0


PLAIN: Final = PictureOptions()
"""Crops in dimmed surroundings, nothing pre-drawn."""


def export_open_tasks(
    store: RunStore,
    labels: LabelStore,
    names: Iterable[str],
    format: str,
    folder: Path,
    options: PictureOptions = PLAIN,
    *,
    limit: int | None = None,
    only: Container[str] | None = None,
    only_new: bool = False,
    announced: bool = True,
) -> Manifest:
    """Hand out the open tasks of some sets as a folder for one tool.

    Args:
        store: the run.
        labels: of the run.
        names: of the sets.
        format: one of `raymeta.exchange.FORMATS`.
        folder: to write; one with answers in it is refused.
        options: how the tasks look.
        limit: tasks at most, by rank.
        only: ids of tasks that may be among them; None takes all.
        only_new: whether tasks that somebody has already are left out.
        announced: whether the tasks count as handed out; otherwise the caller says so when they are.

    Returns:
        The list of tasks, as written to the folder and kept in the run.

    Raises:
        InputError: nothing is open, or the folder can't take it.
    """
    tasks = _open_tasks(labels, list(names), limit, only, only_new)
    config = store.load_config()
    named_width = config.acquisition.named_width
    pictures = TaskPictures(config.dataset, config.seed)
    created = now()
    manifest = export_tasks(
        folder,
        [_opened(task, labels, pictures, options, named_width) for task in tasks],
        task_classes(pictures.dataset),
        pictures.read,
        format,
        run=store.location,
        set=", ".join(dict.fromkeys(task.set for task in tasks)),
        created=created,
        margin=options.margin,
    )
    event = TaskEvent(action="hand_out", tasks=[task.id for task in tasks], reason=f"{format}: {folder}")
    name = f"{created.replace(':', '')}-{event.id}.json"
    store.files.write_new(f"{EXPORTS}/{name}", manifest.model_dump_json().encode())
    if announced:
        labels.events.add(event)
    return manifest


def _open_tasks(
    labels: LabelStore, names: list[str], limit: int | None, only: Container[str] | None, only_new: bool
) -> list[Task]:
    """The tasks that `export_open_tasks` hands out, at least one, by rank; arguments and errors as there."""
    states = [state for name in names for state in labels.states(name) if state.name in OPEN]
    new = [state for state in states if not only_new or state.name != "handed_out"]
    if states and not new:
        raise InputError(
            f"all {len(states)} open tasks of {', '.join(names)} are handed out already: leave out --only-new, or take "
            "them back with `raymeta tasks recall`"
        )
    tasks = [state.task for state in new if only is None or state.task.id in only][:limit]
    if not tasks:
        raise InputError(f"no task of {', '.join(names) or 'the run'} is open: nothing is to be handed out")
    return tasks


def _opened(
    task: Task, labels: LabelStore, pictures: TaskPictures, options: PictureOptions, named_width: int | None
) -> OpenTask:
    """A task as `export_tasks` takes it; named_width: as of `asked_segment`."""
    region = None if task.whole else (task.top, task.left, task.height, task.width)
    opened = OpenTask(task.id, task.image_id, region, pictures.scale(task), point=task.point)
    if task.segment is not None:
        shapes, question = asked_segment(task, pictures, named_width)
        return replace(opened, prelabels=shapes, segment=question)
    if not options.prelabels:
        return opened
    return replace(opened, prelabels=predrawn_shapes(labels.prelabels.of_task(task), pictures, task, options.simplify))


def find_manifest(store: RunStore, path: Path) -> Manifest:
    """The list of tasks beside the answers, or one of all that was handed out by this run.

    Raises:
        ImportRefusedError: there is neither.
    """
    for place in (path, path.parent):
        if (place / MANIFEST_FILE).is_file():
            return load_manifest(place / MANIFEST_FILE)
    everything = all_handed_out(store)
    if everything is None:
        command = f"raymeta tasks export {shlex.quote(store.location)}"
        raise ImportRefusedError(f"{path}: the run has handed nothing out yet: `{command}`")
    return everything


def all_handed_out(store: RunStore) -> Manifest | None:
    """Every task that was ever written for a tool, as it was the last time; None before the first.

    Raises:
        ManifestError: a list of tasks is damaged.
    """
    names = [name for name in store.files.files(EXPORTS) if name.endswith(".json")]
    if not names:
        return None
    exports = [load_manifest(store.files.read(f"{EXPORTS}/{name}") or b"") for name in names]
    newest = {task.id: task for manifest in exports for task in manifest.tasks}
    return exports[-1].model_copy(update={"tasks": list(newest.values()), "untouched": {}})


def check_manifest(manifest: Manifest, tasks: dict[str, Task]) -> None:
    """Raise ImportRefusedError where a list of tasks tells of other tasks than the run has."""
    for entry in manifest.tasks:
        task = tasks.get(entry.id)
        if task is None or not _same(entry, task):
            raise ImportRefusedError(
                f"{MANIFEST_FILE}: {entry.id} ({entry.image_id}) isn't a task of this run: exported by "
                f"{manifest.run or 'another one'}? Nothing was read"
            )


def _same(entry: HandedOut, task: Task) -> bool:
    return entry.image_id == task.image_id and entry.region == (task.top, task.left, task.height, task.width)


def bought_labels(store: RunStore, labels: LabelStore) -> Iterator[tuple[str, str, NDArray[np.uint8]]]:
    """Part (train or val), image id and (H, W) uint8 labels of every image of which something is labelled."""
    config = store.load_config()
    dataset = open_dataset(config.dataset, config.seed)
    known = labels.current()
    validation = frozenset(labels.split.validation)
    for image_id in sorted({*known.regions.image_ids(), *known.reference}, key=str.encode):
        part = "val" if image_id in validation else "train"
        yield part, image_id, known.of(image_id).read(image_id, dataset.size(image_id), dataset)
