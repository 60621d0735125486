"""What a run does differently where people label: who answers, what it hands out, and when it ends to wait."""

from collections.abc import Callable, Sequence

from raymeta.config import ASKED_ONE, ExperimentConfig
from raymeta.datasets.sample import Dataset
from raymeta.errors import WaitingForPeople
from raymeta.labels.annotator import Annotator, TaskSet, Ticket, query_set_name
from raymeta.labels.label_store import LabelStore
from raymeta.labels.people_annotator import PeopleAnnotator, whole_image_sets
from raymeta.labels.simulated_annotator import SimulatedAnnotator
from raymeta.labels.task_states import Rules
from raymeta.quantities import quantity
from raymeta.runs.run_state import planned_queries
from raymeta.runs.run_store import RunStore
from raymeta.runs.split import Split


def label_store(config: ExperimentConfig, store: RunStore) -> LabelStore:
    """The labels of a run, by the rules of its config."""
    return LabelStore(store, Rules.of(config.oracle))


def open_annotator(
    config: ExperimentConfig, store: RunStore, dataset: Dataset, labels: LabelStore, advance: Callable[[int], None]
) -> Annotator:
    """Who answers. advance: called with the number of boxes that a simulated annotator answered."""
    if config.oracle.kind == "people":
        return PeopleAnnotator(config, store.location, dataset, labels)
    return SimulatedAnnotator(config, store, dataset, advance)


def leaves_query_out(config: ExperimentConfig, annotator: Annotator, index: int) -> bool:
    """Whether people aren't asked an iteration's query: no training follows that would use their answers.

    A query that was handed out already stays asked.
    """
    return config.oracle.kind == "people" and index >= planned_queries(config) and annotator.asked(index) is None


def was_left_out(config: ExperimentConfig, annotator: Annotator, index: int, committed: Sequence[str]) -> bool:
    """Whether an iteration ended without asking its query, and a training follows by now: `iterations` was raised.

    committed: its stages. Where people were asked, the set was sealed first.
    """
    asks = config.oracle.kind == "people" and index < planned_queries(config)
    return asks and "annotate" in committed and annotator.asked(index) is None


def after_last_training(config: ExperimentConfig, store: RunStore) -> str | None:
    """What the last network chose, or people answered, that trains none yet, and how it does; None without any."""
    last = store.iteration(config.iterations - 1)
    if config.oracle.kind != "people" or not last.is_named("annotation.parquet"):
        return None
    same = f"the same command with iterations={config.iterations + 1}"
    if answers := last.read_table("annotation.parquet").num_rows:
        text = quantity(answers, "answer") + " to the last query train"
        return f"{text}{'s' * (answers == 1)} no network yet: {same} does"
    chosen = last.read_table("query.parquet").num_rows
    if not chosen or LabelStore(store).sets.table(query_set_name(config.iterations - 1)) is not None:
        return None
    what = quantity(chosen, ASKED_ONE[config.acquisition.asked], config.acquisition.asked)
    return f"the last query ({what}) isn't asked, as no training follows: {same} asks it, and trains on the answers"


def wait_for_people(
    config: ExperimentConfig, store: RunStore, annotator: Annotator, split: Split, dataset: Dataset
) -> None:
    """Hand out what is to be labelled before the next stage, before workers take their places.

    Raises:
        WaitingForPeople: some of it isn't labelled yet.
    """
    if config.oracle.kind != "people":
        return
    tickets = [annotator.ask(tasks) for tasks in whole_image_sets(split, dataset.has_labels)]
    for index in range(config.iterations):
        query = annotator.asked(index)
        if query is not None and not store.iteration(index).is_named("annotation.parquet"):
            tickets.append(Ticket(TaskSet.of_query(index, query)))
    waiting = [annotator.wanted(ticket) for ticket in tickets if annotator.collect(ticket) is None]
    if waiting:
        raise WaitingForPeople("\n".join([*waiting, annotator.how()]))
