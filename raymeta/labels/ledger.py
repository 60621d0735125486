"""The ledger of a run that people label: for every task what was estimated, what it cost, and what is still to be done.

See docs/people.md, "What it costs".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.annotation.cost_models import SECONDS_PER_EVENT
from raymeta.labels.annotator import query_set_name
from raymeta.labels.answer_files import AnswerRecord
from raymeta.labels.label_store import LabelStore
from raymeta.labels.task_sets import TASK_ID
from raymeta.labels.task_states import OPEN, TaskState
from raymeta.runs.run_store import RunStore
from raymeta.schemas import IMAGE_ID, LEFT, TOP

FIT_AT: Final = 200
"""Answers with clicks and seconds from which the prices of events are fitted."""
HUMAN_KINDS: Final = {
    "polygon": "human_polygon",
    "intersection": "human_intersection",
    "class_": "human_class",
    "confirm": "human_confirm",
}
"""Kinds of events that people's tools tell, and the columns that count them."""
MODEL_KINDS: Final = (
    "polygon_clicks",
    "intersection_clicks",
    "box_clicks",
    "class_clicks",
    "prompt_clicks",
    "confirm_clicks",
    "reclass_clicks",
)
"""Of the model; the last three are those of points and segments, which tables of boxes don't have."""
_COUNTS: Final = ("pixels", "estimated_clicks", *MODEL_KINDS, *HUMAN_KINDS.values())
LEDGER_SCHEMA: Final = pa.schema(
    [
        (TASK_ID, pa.string()),
        ("set", pa.string()),
        (IMAGE_ID, pa.string()),
        (TOP, pa.int32()),
        (LEFT, pa.int32()),
        ("state", pa.string()),
        ("whole", pa.bool_()),
        *((name, pa.int64()) for name in _COUNTS),
        ("seconds", pa.float64()),
        ("seconds_source", pa.string()),
        ("tool", pa.string()),
        ("who", pa.string()),
        ("second", pa.bool_()),
    ]
)
"""A row a task, and one more, `second`, for each further person who answered it: that is work, too.

A task's own row is of the answer that counts; as long as none does, of the person's who answered first. Model clicks
are those of the answer that the run went on with; null is unknown, never 0.
"""


def ledger(store: RunStore, labels: LabelStore) -> pa.Table:
    """LEDGER_SCHEMA of everything that people were asked, set by set, by rank.

    Args:
        store: the run.
        labels: of the run.

    Raises:
        RunError: a file of the run is damaged.
    """
    counted = _model_clicks(store)
    states = [state for name in labels.sets.names() for state in labels.states(name)]
    rows = [row for state in states for row in (_row(state, counted), *_second_rows(state))]
    return pa.Table.from_pylist(rows, schema=LEDGER_SCHEMA)


def _model_clicks(store: RunStore) -> dict[str, dict[str, int]]:
    """Clicks of the model by the id of the answer that they were counted on."""
    found: dict[str, dict[str, int]] = {}
    for index in store.iterations():
        folder = store.iteration(index)
        if folder.is_named("annotation.parquet"):
            table = folder.read_table("annotation.parquet")
            if "answer_id" in table.column_names:
                found |= {
                    row["answer_id"]: {kind: row.get(kind, 0) for kind in MODEL_KINDS} for row in table.to_pylist()
                }
    return found


def _row(state: TaskState, counted: dict[str, dict[str, int]]) -> dict[str, Any]:
    task = state.task
    row: dict[str, Any] = {TASK_ID: task.id, "set": task.set, IMAGE_ID: task.image_id, TOP: task.top, LEFT: task.left}
    row |= {"state": state.name, "whole": task.whole, "pixels": task.height * task.width}
    row["estimated_clicks"] = task.estimated_clicks
    answer, row["second"] = _own_answer(state), False
    return row if answer is None else row | _spent(answer) | counted.get(answer.id, {})


def _own_answer(state: TaskState) -> AnswerRecord | None:
    """The answer that counts, else the last one of the person who answered first."""
    if state.accepted is not None or not state.answers:
        return state.accepted
    return next(iter(_last_answers(state).values()))


def _last_answers(state: TaskState) -> dict[str | None, AnswerRecord]:
    """The last answer of each person, in the order in which they first answered."""
    return {answer.who: answer for answer in state.answers}


def _second_rows(state: TaskState) -> list[dict[str, Any]]:
    """What was spent on the last answers of people whose answer isn't the task's own."""
    task, own = state.task, _own_answer(state)
    others = [answer for who, answer in _last_answers(state).items() if own is not None and who != own.who]
    place = {TASK_ID: task.id, "set": task.set, IMAGE_ID: task.image_id, TOP: task.top, LEFT: task.left}
    place |= {"state": state.name, "whole": task.whole, "pixels": task.height * task.width, "second": True}
    return [place | _spent(answer) for answer in others]


def _spent(answer: AnswerRecord) -> dict[str, Any]:
    human = {column: getattr(answer, column) for column in HUMAN_KINDS.values()}
    seconds = {"seconds": answer.seconds, "seconds_source": answer.seconds_source}
    return human | seconds | {"tool": answer.tool or answer.format, "who": answer.who}


@dataclass(frozen=True)
class ToolCost:
    """What boxes cost in one tool; None where nobody knows.

    boxes: that were answered with it. clicks: human clicks a box, on average over the boxes whose clicks are known.
    model_clicks: the model's for these boxes. seconds: median a box. hours: together, of the boxes whose time is known.
    source: where the seconds come from; several are named.
    """

    tool: str
    boxes: int
    clicks: float | None
    model_clicks: float | None
    seconds: float | None
    hours: float | None
    source: str | None


def tool_costs(table: pa.Table) -> list[ToolCost]:
    """Costs of the answered boxes of a ledger, by tool.

    Args:
        table: LEDGER_SCHEMA.
    """
    rows = [row for row in table.to_pylist() if not row["whole"] and row["tool"] is not None]
    return [
        _tool_cost(tool, [row for row in rows if row["tool"] == tool]) for tool in sorted({r["tool"] for r in rows})
    ]


def _tool_cost(tool: str, rows: Sequence[dict[str, Any]]) -> ToolCost:
    known = [row for row in rows if all(row[column] is not None for column in HUMAN_KINDS.values())]
    clicks = [sum(row[column] for column in HUMAN_KINDS.values()) for row in known]
    model = [sum(row[kind] or 0 for kind in MODEL_KINDS) for row in known if row[MODEL_KINDS[0]] is not None]
    seconds = [row["seconds"] for row in rows if row["seconds"] is not None]
    sources = sorted({row["seconds_source"] or "unknown" for row in rows if row["seconds"] is not None})
    return ToolCost(
        tool=tool,
        boxes=len(rows),
        clicks=float(np.mean(clicks)) if clicks else None,
        model_clicks=float(np.mean(model)) if model else None,
        seconds=float(np.median(seconds)) if seconds else None,
        hours=sum(seconds) / 3600 if seconds else None,
        source=", ".join(sources) or None,
    )


@dataclass(frozen=True)
class HoursLeft:
    """What people still have to do.

    open_boxes, open_images: tasks that wait now. coming_boxes: of the queries that the run will still ask. hours: for
    all of them; None as long as nobody's time is known. Images take their median seconds, and so do boxes, until prices
    are fitted: then a box takes what the clicks of those before cost, in proportion to its estimated clicks where these
    are known. priced: whether it is so.
    """

    open_boxes: int
    open_images: int
    coming_boxes: int
    hours: float | None
    priced: bool = False


def hours_left(table: pa.Table, iterations: int, query_size: int) -> HoursLeft:
    """Hours that are still needed.

    Args:
        table: LEDGER_SCHEMA.
        iterations: that the run will do.
        query_size: boxes of each query.
    """
    rows = table.to_pylist()
    opened = [row for row in rows if row["state"] in OPEN and not row["second"]]
    images = sum(row["whole"] for row in opened)
    boxes = len(opened) - images
    asked = {row["set"] for row in rows if not row["whole"]}
    coming = query_size * sum(query_set_name(index) not in asked for index in range(iterations))
    image_s, box_s = (_median_seconds(rows, whole=whole) for whole in (True, False))
    prices = fit_prices(table)
    if prices is not None and (clicked := _with_clicks(rows)):
        expected = _priced_seconds(clicked, [row["estimated_clicks"] for row in opened if not row["whole"]], prices)
        box_hours = (sum(expected) + coming * _mean_price(clicked, prices)) / 3600
    elif box_s is None and boxes + coming:
        return HoursLeft(boxes, images, coming, None)
    else:
        prices, box_hours = None, (boxes + coming) * (box_s or 0.0) / 3600
    if image_s is None and images:
        return HoursLeft(boxes, images, coming, None)
    return HoursLeft(boxes, images, coming, box_hours + images * (image_s or 0.0) / 3600, prices is not None)


def _median_seconds(rows: Sequence[dict[str, Any]], *, whole: bool) -> float | None:
    known = [row["seconds"] for row in rows if row["whole"] == whole and row["seconds"] is not None]
    return float(np.median(known)) if known else None


def _with_clicks(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Answered boxes whose human clicks are known."""
    return [row for row in rows if not row["whole"] and all(row[name] is not None for name in HUMAN_KINDS.values())]


def _mean_price(rows: Sequence[dict[str, Any]], prices: "FittedPrices") -> float:
    """Seconds that the clicks of a box cost, on average."""
    return float(np.mean([sum(prices.prices[kind] * row[name] for kind, name in HUMAN_KINDS.items()) for row in rows]))


def _priced_seconds(
    rows: Sequence[dict[str, Any]], estimates: Sequence[int | None], prices: "FittedPrices"
) -> list[float]:
    """Seconds of open boxes with these estimated clicks, by what the answered ones cost and were estimated at."""
    price, known = _mean_price(rows, prices), [row["estimated_clicks"] for row in rows if row["estimated_clicks"]]
    usual = float(np.mean(known)) if known else None
    return [price if estimate is None or usual is None else price * estimate / usual for estimate in estimates]


@dataclass(frozen=True)
class FittedPrices:
    """Seconds of one event of each kind as this run's people need them.

    prices: kinds of which there was none keep what the literature says. answers: that they were fitted on. source: of
    their seconds. error: median of |seconds that the prices tell − seconds|.
    """

    prices: dict[str, float]
    answers: int
    source: str
    error: float


def fit_prices(table: pa.Table, at_least: int = FIT_AT) -> FittedPrices | None:
    """Prices in seconds by non-negative least squares over the answers whose clicks and seconds are known.

    Seconds of one source only, the one with most answers: lead times include pauses, active seconds don't. The tenth of
    the answers that took longest doesn't count: somebody went away.

    Args:
        table: LEDGER_SCHEMA.
        at_least: answers that it takes.

    Returns:
        None where there are fewer.
    """
    from scipy.optimize import nnls

    columns = list(HUMAN_KINDS.values())
    rows = [row for row in table.to_pylist() if all(row[name] is not None for name in (*columns, "seconds"))]
    sources = [row["seconds_source"] or "unknown" for row in rows]
    if not rows or sources.count(source := max(sorted(set(sources)), key=sources.count)) < at_least:
        return None
    rows = [row for row, its in zip(rows, sources, strict=True) if its == source]
    rows.sort(key=lambda row: row["seconds"])
    kept = rows[: len(rows) - len(rows) // 10]
    counts = np.array([[row[name] for name in columns] for row in kept], dtype=np.float64)
    seconds = np.array([row["seconds"] for row in kept], dtype=np.float64)
    found: NDArray[np.bool_] = counts.sum(axis=0) > 0
    fitted, _ = nnls(counts[:, found], seconds)
    prices = dict(SECONDS_PER_EVENT)
    prices |= dict(
        zip([kind for kind, there in zip(HUMAN_KINDS, found, strict=True) if there], fitted.tolist(), strict=True)
    )
    error = float(np.median(np.abs(counts[:, found] @ fitted - seconds)))
    return FittedPrices(prices, len(rows), source, error)
