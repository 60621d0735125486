"""`raymeta doubts`: accepted labels, and those of the data set, that a run's newest network contradicts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from raymeta.acquisition.image_prediction import predict_image
from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.datasets.registry import open_dataset
from raymeta.errors import InputError
from raymeta.labels.label_store import LabelStore
from raymeta.labels.task_events import TaskEvent
from raymeta.labels.task_states import ANSWERED
from raymeta.loop.bundle import Bundle
from raymeta.loop.image_scorer import ImageScorer
from raymeta.loop.local_workers import local_device
from raymeta.metaseg.label_doubts import LabelDoubt, label_doubts
from raymeta.runs.iteration_folder import IterationFolder
from raymeta.runs.run_store import RunStore


@dataclass(frozen=True)
class FoundDoubt:
    """A doubt about a label of a run. task_id: whose accepted answer it is about; None for the data set's labels."""

    image_id: str
    doubt: LabelDoubt
    task_id: str | None


def find_doubts(
    store: RunStore,
    labels: LabelStore,
    *,
    whole_data_set: bool = False,
    min_pixels: int = 16,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> list[FoundDoubt]:
    """Doubts about everything that is labelled, the most doubtful first.

    Args:
        store: a run with a trained network.
        labels: of the run.
        whole_data_set: all labels of the data set, not only those that the run asked for.
        min_pixels: of a group of contradicted pixels.
        advance: gets the number of images that are done, and of all.

    Raises:
        InputError: no network is trained yet, or nothing is labelled.
    """
    config = store.load_config()
    dataset = open_dataset(config.dataset, config.seed)
    index, folder = _newest(store)
    known = _all_labels(dataset.pool_ids(), dataset.has_labels) if whole_data_set else labels.current()
    images = sorted({*known.regions.image_ids(), *known.reference}, key=str.encode)
    if not images:
        raise InputError(f"{store.location}: nothing is labelled: there is nothing to doubt")
    regressor = folder.read_bytes("meta_regressor.bin") if folder.is_named("meta_regressor.bin") else None
    bundle = Bundle("doubts", index, folder.read_bytes("network.pt"), regressor, LabelledRegions())
    scorer = ImageScorer(config, dataset, bundle, local_device())
    tasks = _answered_tasks(labels)
    found = []
    for place, image_id in enumerate(images, start=1):
        prediction = predict_image(scorer.read_softmax(image_id)[0], scorer.regressor)
        seen = prediction.segmentation
        confidence = prediction.predicted_iou
        if confidence is None and prediction.entropy is not None:
            confidence = np.subtract(1, prediction.entropy, dtype=np.float32)
        known_here = known.of(image_id).read(image_id, (seen.shape[0], seen.shape[1]), dataset)
        doubts = label_doubts(known_here, seen, confidence, min_pixels)  # type: ignore[arg-type]
        found += [FoundDoubt(image_id, doubt, _task_at(tasks.get(image_id, ()), doubt)) for doubt in doubts]
        advance(place, len(images))
    return sorted(found, key=lambda each: (-each.doubt.score, -each.doubt.pixels, each.image_id.encode()))


def _newest(store: RunStore) -> tuple[int, IterationFolder]:
    """The last iteration whose network is trained, with its meta regressor where one is fitted."""
    folders = [(index, store.iteration(index)) for index in store.iterations()]
    trained = [each for each in folders if each[1].is_named("network.pt")]
    fitted = [each for each in trained if each[1].is_named("fit.json")]
    if not trained:
        raise InputError(f"{store.location}: no network is trained yet: nothing can contradict a label")
    return (fitted or trained)[-1]


def _all_labels(image_ids: Sequence[str], has_labels: Callable[[str], bool]) -> KnownLabels:
    return KnownLabels(LabelledRegions(), frozenset(filter(has_labels, image_ids)))


Place = tuple[str, int, int, int, int]
"""Id of a task, and top, left, bottom and right of its region."""


def _answered_tasks(labels: LabelStore) -> dict[str, list[Place]]:
    """By image, the tasks whose answers count, the latest set first: its answers lie on top."""
    found: dict[str, list[Place]] = {}
    for name in reversed(labels.sets.names()):
        for state in labels.states(name):
            task = state.task
            if state.name in ANSWERED:
                place = (task.id, task.top, task.left, task.top + task.height, task.left + task.width)
                found.setdefault(task.image_id, []).append(place)
    return found


def _task_at(places: Sequence[Place], doubt: LabelDoubt) -> str | None:
    """The task that has most of a doubt's bounds."""
    best, most = None, 0
    for task_id, top, left, bottom, right in places:
        rows = min(bottom, doubt.top + doubt.height) - max(top, doubt.top)
        columns = min(right, doubt.left + doubt.width) - max(left, doubt.left)
        if rows > 0 and columns > 0 and rows * columns > most:
            best, most = task_id, rows * columns
    return best


def reopen_doubted(
    labels: LabelStore, found: Sequence[FoundDoubt], count: int, class_names: Sequence[str], who: str | None
) -> list[str]:
    """Ask again for the most doubtful answers: each counts until it is answered anew, and says what is doubted.

    Args:
        labels: of the run.
        found: the most doubtful first.
        count: tasks at most.
        class_names: of the run.
        who: asks.

    Returns:
        Ids of the tasks.
    """
    reopened: dict[str, FoundDoubt] = {}
    for each in found:
        if each.task_id is not None and len(reopened) < count:
            reopened.setdefault(each.task_id, each)
    for task_id, each in reopened.items():
        reason = doubt_text(each.doubt, class_names)
        labels.events.add(TaskEvent(action="reopen", tasks=[task_id], who=who, reason=reason))
    return list(reopened)


def doubt_text(doubt: LabelDoubt, class_names: Sequence[str]) -> str:
    """What is doubted, in words."""
    return (
        f"labelled {class_names[doubt.label]}, and the network sees {class_names[doubt.seen]} (predicted IoU "
        f"{doubt.confidence:.2f}): {doubt.pixels} px from row {doubt.top}, column {doubt.left}"
    )
