"""Who answers: the protocol that the loop asks by, whether people work for days or ground truth answers at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import pyarrow as pa

from raymeta.schemas import QUERY_SCHEMA

INITIAL: Final = "initial"
META: Final = "meta"
VALIDATION: Final = "validation"
WHOLE_IMAGE_SETS: Final = (INITIAL, META, VALIDATION)


def query_set_name(iteration: int) -> str:
    """Name of the set that an iteration's query is: `query-003`."""
    return f"query-{iteration:03d}"


@dataclass(frozen=True)
class TaskSet:
    """Regions that are asked together.

    name: `initial`, `meta`, `validation` or `query-NNN`. images: ids of whole images. boxes: QUERY_SCHEMA, the boxes of
    a query. iteration: whose query it is; None for whole images. prelabels: PRELABEL_SCHEMA, what the network sees in
    the tasks; None without a network. points: whether of each box the class at its middle is asked
    (docs/method.md#points). double_share: of the tasks that two people answer.
    """

    name: str
    images: tuple[str, ...] = ()
    boxes: pa.Table = field(default_factory=QUERY_SCHEMA.empty_table)
    iteration: int | None = None
    prelabels: pa.Table | None = None
    points: bool = False
    double_share: float = 0.0

    @classmethod
    def of_query(cls, iteration: int, query: pa.Table, prelabels: pa.Table | None = None) -> "TaskSet":
        """The boxes of an iteration's query (QUERY_SCHEMA)."""
        return cls(query_set_name(iteration), boxes=query, iteration=iteration, prelabels=prelabels)


@dataclass(frozen=True)
class Ticket:
    """What was asked; `Annotator.collect` takes it, in this process or in a later one."""

    tasks: TaskSet


@dataclass(frozen=True)
class Answers:
    """What came back for a set.

    effort: events spent, a row a region that was answered: ANNOTATION_SCHEMA for boxes, WHOLE_IMAGE_CLICKS_SCHEMA for
    whole images; further columns of EVENT_COLUMNS may follow. faults: the reason for each image that could not be
    answered; its regions stay unlabelled. The labels themselves are in the label store: as files where people drew
    them, by reference where the data set's annotation of the regions in `effort` counts.
    """

    effort: pa.Table
    faults: Mapping[str, str] = field(default_factory=dict)


class Annotator(Protocol):
    """Answers sets of regions."""

    def ask(self, tasks: TaskSet) -> Ticket:
        """Hand out a set. Asked again, also by a later process, it is the same set."""
        ...

    def collect(self, ticket: Ticket) -> Answers | None:
        """The answers to a set; None while people are not done.

        Raises:
            RunFailedError: the answers can't be had, now or ever; the message tells why.
        """
        ...

    def asked(self, iteration: int) -> pa.Table | None:
        """QUERY_SCHEMA of an iteration's query that was handed out and so can't change any more; None before that."""
        ...

    def wanted(self, ticket: Ticket) -> str:
        """What is still to be labelled of a set: the sentence that a run ends with which waits."""
        ...

    def how(self) -> str:
        """How tasks get to people, and answers back."""
        ...
