"""`raymeta tasks RUN …`: what people are asked, out to their tools and back."""

import argparse
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from raymeta.cli import server_commands
from raymeta.cli.options import add_command
from raymeta.cli.task_effort import double_lines, effort_line, median_seconds
from raymeta.cli.task_options import add_answer_options, add_picture_options, open_labels, picture_options, set_names
from raymeta.errors import EXIT_FAILED, InputError
from raymeta.labels.agreement import agreement
from raymeta.labels.answer_files import AnswerRecord, void_answer
from raymeta.labels.double_answers import first_pair
from raymeta.labels.label_store import LabelStore
from raymeta.labels.task_events import Action, TaskEvent
from raymeta.labels.task_states import ANSWERED, DONE, OPEN, Rules, TaskState
from raymeta.quantities import quantity
from raymeta.runs.run_store import RunStore
from raymeta.text_tables import show_table, text_table

DECISIONS = {
    "accept": "let an answer count",
    "return": "ask again, and let what was answered count no longer",
    "void": "let a whole region count as void",
    "reopen": "ask again; what was answered counts until somebody answers",
    "close": "withdraw what isn't answered: the run goes on without it",
    "recall": "take back what was handed out",
}


ACTIONS = ("list", "export", "import", *server_commands.ACTIONS, *DECISIONS, "log", "labels")


def add_commands(commands: Any) -> None:
    """Add `tasks` to the parser."""
    tasks = add_command(
        commands,
        "tasks",
        "what people are asked: hand it out, bring answers back, decide",
        "tasks runs/mine",
        "tasks export runs/mine --format labelme --out /tmp/hand_out",
        "tasks import runs/mine /tmp/hand_out --who ann",
    )
    actions = tasks.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = _add_action(actions, "list", "sets, and what became of their tasks: also `raymeta tasks RUN`")
    listed.set_defaults(command=_list)
    _add_exchange(actions)
    for name, text in server_commands.ACTIONS.items():
        server_commands.add_options(_add_action(actions, name, text), name)
    _add_decisions(actions)
    log = _add_action(actions, "log", "what was answered and decided, by time")
    log.add_argument(
        "--task", action="append", default=[], dest="tasks", metavar="ID", help="only this task; may be repeated"
    )
    log.set_defaults(command=_log)
    labels = _add_action(actions, "labels", "what is labelled by now, as a data set: PNG, Cityscapes JSON, COCO")
    labels.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    labels.set_defaults(command=_labels)


def _add_exchange(actions: Any) -> None:
    export = _add_action(actions, "export", "open tasks as a folder for an annotation tool")
    formats = "labelme, cvat, cvat-masks, label-studio, x-anylabeling, coco, cityscapes, supervisely, darwin"
    export.add_argument("--format", required=True, metavar="FORMAT", help=formats)
    export.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    add_picture_options(export, prelabels="none")
    export.add_argument("--only-new", action="store_true", help="no tasks that somebody has already")
    export.set_defaults(command=_export)

    imported = _add_action(actions, "import", "bring answers back; the same import twice changes nothing")
    imported.add_argument("paths", nargs="+", metavar="PATH", help="folder, archive or file")
    imported.add_argument("--format", default="auto", help="of the files (%(default)s)")
    add_answer_options(imported)
    imported.add_argument(
        "--confirm-unchanged", action="store_true", help="pictures that are as predicted are answers, too"
    )
    imported.add_argument("--dry-run", action="store_true", help="say what would be kept")
    imported.set_defaults(command=_import)


def _add_decisions(actions: Any) -> None:
    for name, text in DECISIONS.items():
        decision = _add_action(actions, name, text)
        decision.add_argument(
            "--task", action="append", default=[], dest="tasks", metavar="ID", help="this task; may be repeated"
        )
        decision.add_argument("--set", action="append", dest="sets", metavar="SET", help="all tasks of this set")
        decision.add_argument("--reason", help="in your words")
        decision.add_argument("--who", help="who decides")
        if name == "accept":
            decision.add_argument("--answer", metavar="ID", help="id, or its beginning, where a task has several")
        decision.set_defaults(command=_decide, action=name)


def _add_action(actions: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    parser.add_argument("run", metavar="RUN", help="run folder")
    return parser


def ordered(arguments: Sequence[str]) -> list[str]:
    """The words of a command line with the action before the run: `tasks RUN export` is `tasks export RUN`.

    `tasks RUN` alone is `tasks list RUN`.
    """
    words = list(arguments)
    if words[:1] != ["tasks"] or len(words) < 2 or words[1].startswith("-") or words[1] in ACTIONS:
        return words
    if len(words) > 2 and words[2] in ACTIONS:
        return ["tasks", words[2], words[1], *words[3:]]
    return ["tasks", "list", *words[1:]]


def _list(options: argparse.Namespace) -> int:
    store, labels = open_labels(options.run)
    names = labels.sets.names()
    if not names:
        print(f"{store.location}: {_why_nothing(store)}")
        return 0
    table = text_table()
    for name in ("set", "tasks", "open", "to decide", "answered", "withdrawn", "median s"):
        table.add_column(name, justify="left" if name == "set" else "right")
    for name in names:
        states = labels.states(name)
        counts = Counter(state.name for state in states)
        opened = sum(state.name in OPEN for state in states)
        answered = sum(state.name in ANSWERED for state in states)
        decide = counts["conflict"] + counts["annotated"]
        table.add_row(
            name,
            str(len(states)),
            str(opened),
            str(decide),
            str(answered),
            str(counts["withdrawn"]),
            median_seconds(states),
        )
    console = Console()
    show_table(console, table)
    for line in double_lines(labels, names):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(effort_line(store, labels), highlight=False, markup=False, soft_wrap=True)
    for name in names:
        for state in labels.states(name):
            if state.note and state.name not in DONE and state.name != "handed_out":
                console.print(f"{state.task.id}: {state.name}: {state.note}", highlight=False, markup=False)
    return 0


def _why_nothing(store: RunStore) -> str:
    """Why a run has no tasks."""
    if store.load_config().oracle.kind != "people":
        return "the simulated annotator answers this run, nobody is asked"
    return "people were asked nothing yet"


def _export(options: argparse.Namespace) -> int:
    from raymeta.labels.earlier_hand_outs import earlier_hand_outs, hand_out_warning
    from raymeta.labels.task_exports import export_open_tasks

    store, labels = open_labels(options.run)
    names = set_names(labels, options.sets)
    out = earlier_hand_outs(labels, (state for name in names for state in labels.states(name)))
    manifest = export_open_tasks(
        store,
        labels,
        names,
        options.format,
        Path(options.out),
        picture_options(options),
        limit=options.limit,
        only_new=options.only_new,
    )
    if (warning := hand_out_warning(out, [task.id for task in manifest.tasks])) is not None:
        print(warning, file=sys.stderr)
    tasks = quantity(len(manifest.tasks), "task")
    print(f"{tasks} of {manifest.set} in {options.out}: README.txt there says how to go on")
    print(f"bring them back: raymeta tasks import {shlex.quote(store.location)} {shlex.quote(options.out)}")
    return 0


def _import(options: argparse.Namespace) -> int:
    from raymeta.labels.answer_imports import import_answers

    store, labels = open_labels(options.run)
    refused = 0
    for path in options.paths:
        summary = import_answers(
            store,
            labels,
            Path(path),
            format=options.format,
            class_map=options.map,
            uncovered=options.uncovered,
            who=options.who,
            dry_run=options.dry_run,
            confirm_unchanged=options.confirm_unchanged,
        )
        for message in summary.messages:
            print(message)
        print(f"{path}: {'(nothing kept) ' if options.dry_run else ''}{summary.line()}")
        refused += summary.refused + summary.strangers
    return EXIT_FAILED if refused else 0


def _decide(options: argparse.Namespace) -> int:
    store, labels = open_labels(options.run)
    wanted = _wanted(store, labels, options)
    action: str = options.action
    if action == "accept":
        for state in wanted:
            answer = _chosen(state, options.answer)
            event = TaskEvent(action="accept", tasks=[state.task.id], answer=answer.id, who=options.who)
            labels.events.add(event.model_copy(update={"reason": options.reason}))
    elif action == "void":
        for state in wanted:
            answer = void_answer(state.task, options.who)
            labels.answers.add(state.task, answer)
            kept = labels.answers.get(state.task.set, state.task.id, answer.id)
            labels.events.add(
                TaskEvent(
                    action="accept", tasks=[state.task.id], answer=kept.id, who=options.who, reason=options.reason
                )
            )
    else:
        _decide_all(labels, wanted, action, options)  # type: ignore[arg-type]
    print(f"{action}: {len(wanted)} {'task' if len(wanted) == 1 else 'tasks'}")
    sets = options.sets or ()  # tasks may be named instead
    left = [state for state in _states(labels) if state.name == "conflict" and state.task.set in sets]
    if action == "accept" and left:
        print(
            f"{len(left)} with answers that differ {'is' if len(left) == 1 else 'are'} left ({left[0].task.id}, …): "
            "decide each by --task ID --answer ID, or on the page"
        )
    return 0


def _states(labels: LabelStore) -> list[TaskState]:
    return [state for name in labels.sets.names() for state in labels.states(name)]


def _decide_all(labels: LabelStore, wanted: Sequence[TaskState], action: Action, options: argparse.Namespace) -> None:
    tasks = [state.task.id for state in wanted]
    labels.events.add(TaskEvent(action=action, tasks=tasks, who=options.who, reason=options.reason))


def _chosen(state: TaskState, wanted: str | None) -> AnswerRecord:
    """The answer that is to count.

    Raises:
        InputError: there is none, or several and it isn't said which.
    """
    found = state.answers if wanted else list(state.live.values())
    if not state.answers:
        raise InputError(f"{state.task.id}: nothing was answered yet that could be accepted")
    fitting = [answer for answer in found if wanted is None or answer.id.startswith(wanted)]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(f"{answer.id[:8]} by {answer.who or 'somebody'}" for answer in state.answers)
    said = f"no answer begins with {wanted}" if wanted and not fitting else "say which answer, by --answer"
    raise InputError(f"{state.task.id}: {said}; there are {known}")


def _wanted(store: RunStore, labels: LabelStore, options: argparse.Namespace) -> list[TaskState]:
    """The tasks that a decision is about."""
    if not options.tasks and not options.sets:
        raise InputError("which tasks? Give --task ID or --set NAME")
    states = _states(labels)
    known = _by_id(store, states, options.tasks)
    unanswered = [task for task in options.tasks if not known[task].answers]
    if options.action == "return" and unanswered:
        raise InputError(f"{unanswered[0]}: nothing was answered yet that could be returned")
    sets = set_names(labels, options.sets) if options.sets else []
    wanted = [known[task] for task in options.tasks]
    return wanted + [state for state in states if state.task.set in sets and _concerns(options.action, state)]


def _by_id(store: RunStore, states: Sequence[TaskState], wanted: Sequence[str]) -> dict[str, TaskState]:
    """States by the id of their task. Raises InputError where an id that is wanted is none of the run's."""
    known = {state.task.id: state for state in states}
    for task_id in wanted:
        if task_id not in known:
            example = f"they are called like {next(iter(known))}" if known else _why_nothing(store)
            raise InputError(f"--task {task_id} isn't a task of the run: {example}")
    return known


def _concerns(action: str, state: TaskState) -> bool:
    """Whether a decision about a whole set means this task."""
    if action in ("close", "void"):
        return state.name not in DONE
    if action == "recall":
        return state.name == "handed_out"
    return len(state.live) == 1 and state.name not in DONE if action == "accept" else bool(state.answers)


def _log(options: argparse.Namespace) -> int:
    store, labels = open_labels(options.run)
    lines: list[tuple[str, str]] = []
    states = _states(labels)
    _by_id(store, states, options.tasks)
    for state in states:
        if not options.tasks or state.task.id in options.tasks:
            lines += _answer_lines(state, labels.rules)
    for event in labels.events.all():
        tasks = [task for task in event.tasks if not options.tasks or task in options.tasks]
        if tasks:
            shown = tasks[0] if len(tasks) == 1 else f"{len(tasks)} tasks from {tasks[0]}"
            by = f" by {event.who}" if event.who else ""
            lines.append((event.time, f"{shown} {event.action}{by}{f': {event.reason}' if event.reason else ''}"))
    for time, line in sorted(lines):
        print(time, line)
    return 0


def _answer_lines(state: TaskState, rules: Rules) -> list[tuple[str, str]]:
    """Time and sentence of each answer; the second person's tells how far both agree, where two were asked."""
    lines, pair = [], first_pair(state)
    for answer in state.answers:
        what = "undecidable" if answer.undecidable else "answer"
        line = f"{state.task.id} {what} {answer.id[:8]} by {answer.who or 'somebody'}"
        if pair is not None and answer is pair[1]:
            share = agreement(*pair, rules.agree_within).within
            shown = "" if share is None else f", {100 * share:.1f} % of the pixels agree"
            said = "agrees with" if rules.agree(*pair) else "differs from"
            line += f": {said} {pair[0].id[:8]} by {pair[0].who or 'somebody'}{shown}"
        lines.append((answer.time, line))
    return lines


def _labels(options: argparse.Namespace) -> int:
    from raymeta.datasets.registry import open_dataset
    from raymeta.exchange import write_label_data_set
    from raymeta.labels.task_exports import bought_labels, task_classes

    store, labels = open_labels(options.run)
    config = store.load_config()
    classes = task_classes(open_dataset(config.dataset, config.seed))
    for part in ("train", "val"):
        found = ((image_id, label_map) for name, image_id, label_map in bought_labels(store, labels) if name == part)
        count = write_label_data_set(Path(options.out), found, classes, split=part)
        print(f"{part}: {quantity(count, 'image')} in {options.out}")
    return 0
