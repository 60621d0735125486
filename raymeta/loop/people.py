"""What a run does differently where people label: who answers, what it hands out, and when it ends to wait."""

from collections.abc import Callable

from raymeta.config import ExperimentConfig
from raymeta.datasets.sample import Dataset
from raymeta.errors import WaitingForPeople
from raymeta.labels.annotator import Annotator, TaskSet, Ticket
from raymeta.labels.label_store import LabelStore
from raymeta.labels.people_annotator import PeopleAnnotator, whole_image_sets
from raymeta.labels.simulated_annotator import SimulatedAnnotator
from raymeta.labels.task_states import Rules
from raymeta.quantities import quantity
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


def untrained_answers(config: ExperimentConfig, store: RunStore) -> str | None:
    """What people answered after the last network was trained, and how a network is; None where that is nothing."""
    last = store.iteration(config.iterations - 1)
    if config.oracle.kind != "people" or not last.is_named("annotation.parquet"):
        return None
    answers = last.read_table("annotation.parquet").num_rows
    if not answers:
        return None
    text = f"{quantity(answers, 'answer')} to the last query train{'s' * (answers == 1)} no network yet"
    return f"{text}: the same command with iterations={config.iterations + 1} does, and asks once more"


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
