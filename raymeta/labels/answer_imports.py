"""Answers back from the files of annotation tools."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Final

from raymeta.datasets.registry import open_dataset
from raymeta.exchange import Answer, AnswerReader, Skip, read_answers
from raymeta.exchange.effort import AnswerShape
from raymeta.labels.agreement import agreement
from raymeta.labels.answer_files import MIXED, AnswerRecord, encode_labels, labels_sha256, now
from raymeta.labels.label_store import LabelStore
from raymeta.labels.picture_files import PictureFiles
from raymeta.labels.task_events import TaskEvent
from raymeta.labels.task_exports import check_manifest, find_manifest
from raymeta.labels.task_sets import Task
from raymeta.labels.task_states import Rules, TaskState
from raymeta.runs.run_store import RunStore
from raymeta.schemas import IGNORE

_NO_DONE_MARK: Final = frozenset({"cvat", "cvat-masks", "coco", "supervisely", "darwin"})
"""Formats that list every picture, whether somebody worked on it or not."""


@dataclass
class ImportSummary:
    """What an import did, and the lines that tell of it."""

    read: int = 0
    added: int = 0
    unchanged: int = 0
    refused: int = 0
    skipped: int = 0
    strangers: int = 0
    untouched: int = 0
    states: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)

    def line(self) -> str:
        """One line of counts."""
        states = ", ".join(f"{count} {name}" for name, count in sorted(self.states.items()))
        return (
            f"read {self.read}: {self.added} new{f' ({states})' if states else ''}, {self.unchanged} unchanged since "
            f"an earlier import, {self.refused} refused, {self.skipped} skipped, {self.strangers} of no task"
            + (f", {self.untouched} as predicted and not taken" if self.untouched else "")
        )


def import_answers(
    store: RunStore,
    labels: LabelStore,
    path: Path,
    *,
    format: str = "auto",
    class_map: Iterable[str] = (),
    uncovered: str | None = None,
    who: str | None = None,
    dry_run: bool = False,
    confirm_unchanged: bool = False,
    keep: Callable[[Task, AnswerRecord], bool] | None = None,
) -> ImportSummary:
    """Keep the answers in a file, archive or folder. An answer that is kept already changes nothing.

    Each answer is one file, written whole or not at all: an import that is cut off at any moment is done again.

    Args:
        store: the run.
        labels: of the run.
        path: what people drew.
        format: of the files; `auto` finds it out.
        class_map: lines such as `Car =car`.
        uncovered: what becomes of pixels without a shape: None, `void`, `refuse` or a class.
        who: drew it, where the files don't tell, or tell otherwise.
        dry_run: whether nothing is kept.
        confirm_unchanged: whether pictures on which everything is as predicted are answers in formats that don't say
            whether anybody looked, and files that are as they were handed out.
        keep: keeps an answer and tells whether it is new; by default in the run.

    Raises:
        ExchangeError: files that are refused whole.
        ImportRefusedError: the list of tasks is another run's.
    """
    tasks = {task.id: task for name in labels.sets.names() for task in labels.sets.tasks(name)}
    manifest = find_manifest(store, path)
    check_manifest(manifest, tasks)
    config = store.load_config()
    pictures = PictureFiles(open_dataset(config.dataset, config.seed))
    reader = read_answers(
        path, manifest, format=format, class_map=class_map, uncovered=uncovered, take_untouched=confirm_unchanged
    )
    summary, touched = ImportSummary(), []
    for answer in reader:
        summary.read += 1
        summary.messages += answer.messages
        task = tasks[answer.task_id]
        if not _is_taken(answer, task, pictures, confirm_unchanged, summary):
            continue
        record = _record(answer, who or answer.who, uncovered)
        if not _is_known(labels, task, record) and (dry_run or (keep or labels.answers.add)(task, record)):
            summary.added += 1
            touched.append(task)
        else:
            summary.unchanged += 1
    _count_other_files(summary, reader)
    if not dry_run:
        _keep_skips(labels, [skip for skip in reader.skipped if skip.task_id in tasks], who)
        _tell(store, labels, touched, summary)
    return summary


def _is_known(labels: LabelStore, task: Task, record: AnswerRecord) -> bool:
    return record.id in {each.id for each in labels.answers.of_set(task.set).get(task.id, ())}


def _count_other_files(summary: ImportSummary, reader: AnswerReader) -> None:
    """What the reader found beside answers."""
    summary.messages += reader.messages
    if count := len(reader.untouched_files):
        files = "1 file is as it was" if count == 1 else f"{count} files are as they were"
        remedy = (
            "--confirm-unchanged takes what is predicted there"
            if reader.can_confirm
            else "nobody has saved an answer there; import what the tool saves or exports"
        )
        summary.messages.append(f"{files} handed out: not taken; {remedy}")
    summary.strangers, summary.skipped = len(reader.strangers), len(reader.skipped)
    summary.refused += len(reader.refused_files)
    summary.read += summary.strangers + summary.skipped + len(reader.refused_files)


def _is_taken(
    answer: Answer, task: Task, pictures: PictureFiles, confirm_unchanged: bool, summary: ImportSummary
) -> bool:
    """Whether an answer is one; the summary counts and tells why where it isn't."""
    fault = _fault(answer, task) or pictures.fault(task)
    if fault:
        summary.refused += 1
        summary.messages += [fault] if not answer.refused else []
    elif not confirm_unchanged and (_is_untouched(answer) or _is_gone(answer, task)):
        summary.untouched += 1
        what = "its shapes are those that were predicted" if answer.shapes else "its shape is gone"
        summary.messages.append(
            f"{task.id}: {what}, and {answer.format} files don't say whether anybody looked: not taken; "
            "--confirm-unchanged takes them"
        )
    else:
        return True
    return False


def _keep_skips(labels: LabelStore, skips: Iterable[Skip], who: str | None) -> None:
    """Keep that somebody passed over a task; its name is made of what it says, so that it counts once."""
    known = {event.id for event in labels.events.all()}
    for skip in skips:
        name = hashlib.sha256(repr((skip.task_id, who or skip.who, skip.source_sha256)).encode()).hexdigest()[:32]
        if name not in known:
            labels.events.add(TaskEvent(id=name, action="skip", tasks=[skip.task_id], who=who or skip.who))


def _is_untouched(answer: Answer) -> bool:
    """Whether nothing tells a confirmed answer from a picture that nobody opened."""
    shapes = [shape for shape in answer.shapes if shape.pixels]
    as_predicted = bool(shapes) and all(shape.mark == "unchanged" for shape in shapes) and not answer.deleted
    return as_predicted and answer.clicks.confirm > 0 and answer.format in _NO_DONE_MARK


def _is_gone(answer: Answer, task: Task) -> bool:
    """Whether nothing tells a segment that somebody deleted from one that was never loaded into the tool."""
    says_nothing = not answer.shapes and not answer.undecidable and bool((answer.label_map == IGNORE).all())
    return task.segment is not None and says_nothing and answer.format in _NO_DONE_MARK


def _fault(answer: Answer, task: Task) -> str | None:
    if answer.refused:
        return "refused"
    if answer.doubtful:
        return f"{task.id}: not taken: it may be another task's"
    if answer.label_map.shape != (task.height, task.width):
        height, width = answer.label_map.shape
        return f"{task.id}: its labels are {height}×{width} px, asked were {task.height}×{task.width} px: not read"
    return None


def _record(answer: Answer, who: str | None, uncovered: str | None) -> AnswerRecord:
    partial = uncovered is None and any("partial" in fault for fault in answer.faults)
    digest = hashlib.sha256(repr((answer.content_sha256(), who, partial)).encode()).hexdigest()
    clicks = answer.clicks
    return AnswerRecord(
        id=digest[:32],
        task_id=answer.task_id,
        time=now(),
        who=who,
        labels_sha256=labels_sha256(answer.label_map),
        png=encode_labels(answer.label_map),
        undecidable=answer.undecidable,
        uncovered=answer.uncovered if partial else 0,
        tool=answer.tool,
        version=answer.version,
        format=answer.format,
        source=answer.source,
        source_sha256=answer.source_sha256,
        human_polygon=clicks.polygon,
        human_intersection=clicks.intersection,
        human_class=clicks.class_,
        human_confirm=clicks.confirm,
        events={MIXED: 1} if answer.mixed else None,
        seconds=answer.seconds,
        seconds_source=answer.seconds_source,
        shapes=[_shape(shape) for shape in answer.shapes],
    )


def _shape(shape: AnswerShape) -> dict[str, object]:
    rings = [ring.tolist() for ring in shape.rings]
    return {"label": shape.label, "rings": rings, "mark": shape.mark, "prelabel": shape.prelabel}


def _tell(store: RunStore, labels: LabelStore, touched: list[Task], summary: ImportSummary) -> None:
    """The states that new answers led to, and what follows for a run that went on already."""
    ids = {task.id for task in touched}
    for name in dict.fromkeys(task.set for task in touched):
        states = [state for state in labels.states(name) if state.task.id in ids]
        summary.states.update(state.name for state in states)
        summary.messages += [_conflict(state, labels.rules) for state in states if state.name == "conflict"]
        if second := sum(state.waits_for_second for state in states):
            summary.messages.append(
                f"{second} of {name} wait for a second person's answer (oracle.double_share): export them again for "
                "somebody else, and import with another --who"
            )
        if name.startswith("query-") and store.iteration(int(name[6:])).is_named("annotation.parquet"):
            units = store.load_config().acquisition.asked
            summary.messages.append(
                f"{len(states)} {units} of {name} were answered after the run went on: the next iteration trains on "
                "them"
            )


def _conflict(state: TaskState, rules: Rules) -> str:
    """Who differs most, and how to decide; among equal ones those who answered first."""
    pairs = [pair for pair in combinations(state.live.values(), 2) if not rules.agree(*pair)]
    shares = [agreement(*pair, rules.agree_within).within or 0.0 for pair in pairs]
    (first, second), share = min(zip(pairs, shares, strict=True), key=lambda each: each[1])
    share, one = 100 * share, first.labels()
    people = f"{first.who or 'somebody'} and {second.who or 'somebody'}"
    return (
        f"{state.task.id}: {people} agree on {share:.0f} % of {one.size} px: conflict; raymeta tasks accept RUN --task "
        f"{state.task.id} --answer {first.id[:8]} or {second.id[:8]}"
    )
