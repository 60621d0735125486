"""What labelling has cost people, for a report: clicks, hours, and what is still to be done."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import Final

import pyarrow as pa

from raymeta.config import ASKED_ONE, Asked
from raymeta.labels.double_answers import DoubleAnswers, double_answers
from raymeta.labels.label_store import LabelStore
from raymeta.labels.ledger import (
    HUMAN_KINDS,
    LEDGER_SCHEMA,
    FittedPrices,
    HoursLeft,
    ToolCost,
    fit_prices,
    hours_left,
    ledger,
    tool_costs,
)
from raymeta.labels.task_states import Rules
from raymeta.report.csv_files import to_csv
from raymeta.report.run_results import RunResults
from raymeta.runs.store_files import RunError

MAX_DEAREST: Final = 5


@dataclass(frozen=True)
class DearBox:
    """One of the boxes that cost most. place: image, top and left."""

    place: str
    clicks: int | None
    seconds: float | None


@dataclass(frozen=True)
class PeoplesLedger:
    """The ledger of one run that people label. asked: what its queries ask for. prices: None before there are answers
    enough. double: None where no task is answered by two people.
    """

    label: str
    asked: Asked
    table: pa.Table
    tools: list[ToolCost]
    left: HoursLeft
    prices: FittedPrices | None
    dearest: list[DearBox]
    double: DoubleAnswers | None

    @property
    def unit(self) -> str:
        """One of what its queries ask for."""
        return ASKED_ONE[self.asked]

    @property
    def hours(self) -> float | None:
        """Hours of all answers whose time is known, whole images too."""
        seconds = [value for value in self.table["seconds"].to_pylist() if value is not None]
        return sum(seconds) / 3600 if seconds else None


def peoples_ledgers(runs: Sequence[tuple[RunResults, str]]) -> tuple[list[PeoplesLedger], list[str]]:
    """Ledgers of the runs that people label, and what could not be read.

    Args:
        runs: each with its label.
    """
    found, notes = [], []
    for run, label in runs:
        if run.config.oracle.kind != "people":
            continue
        labels = LabelStore(run.store, Rules.of(run.config.oracle))
        try:
            table = ledger(run.store, labels)
            double = double_answers(chain.from_iterable(map(labels.states, labels.sets.names())), labels.rules)
        except RunError as error:
            notes.append(str(error))
            continue
        left = hours_left(table, run.config.iterations, run.config.acquisition.query_size)
        dearest = dearest_boxes(table)
        found.append(
            PeoplesLedger(
                label=label,
                asked=run.config.acquisition.asked,
                table=table,
                tools=tool_costs(table),
                left=left,
                prices=fit_prices(table),
                dearest=dearest,
                double=double if double.answered else None,
            )
        )
    return found, notes


def dearest_boxes(table: pa.Table, count: int = MAX_DEAREST) -> list[DearBox]:
    """The boxes that took people most seconds, or most clicks where no time is known.

    Args:
        table: LEDGER_SCHEMA.
        count: boxes at most.
    """
    boxes = []
    for row in table.to_pylist():
        kinds = [row[column] for column in HUMAN_KINDS.values()]
        clicks = None if None in kinds else sum(kinds)
        if not row["whole"] and (clicks is not None or row["seconds"] is not None):
            boxes.append(DearBox(f"{row['image_id']} ({row['top']}, {row['left']})", clicks, row["seconds"]))
    boxes.sort(key=lambda box: (-(box.seconds or 0.0), -(box.clicks or 0), box.place))
    return boxes[:count]


def ledger_csv(ledgers: Sequence[PeoplesLedger]) -> bytes:
    """A line a task, and one more for each further person who answered it; empty where nobody knows."""
    rows = [[each.label, *row.values()] for each in ledgers for row in each.table.to_pylist()]
    return to_csv(["run", *LEDGER_SCHEMA.names], rows)


def tools_csv(ledgers: Sequence[PeoplesLedger]) -> bytes:
    """A line a tool."""
    names = [field.name for field in fields(ToolCost)]
    return to_csv(["run", *names], [[each.label, *vars(tool).values()] for each in ledgers for tool in each.tools])
