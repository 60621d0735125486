"""Cost models: what an event of each kind costs in a whole image and in a box. A cost is data.

Definition: docs/method.md#cost-models.
"""

from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raymeta.annotation.events import EVENT_COLUMNS, Events, Prices, asked_pixels
from raymeta.errors import InputError


@dataclass(frozen=True)
class CostModel:
    """A way to price annotation; its costs are reported in percent of what labelling the whole pool would cost.

    Attributes:
        name: key in summary.json and column name, as `cost_a`.
        label: as people read it, as `cost_A`.
        unit: what prices are in: clicks, pixels or seconds.
        definition: a sentence for the glossary.
        image_prices: of the events in an image that is wholly labelled (L0 and M).
        box_prices: of the events in a queried box.
        pool_prices: of the events in the whole pool, the denominator; None takes `image_prices`.

    Raises:
        InputError: a kind of event that nobody counts, or a price that is no finite number from 0.
    """

    name: str
    label: str
    unit: str
    definition: str
    image_prices: Prices
    box_prices: Prices
    pool_prices: Prices | None = None

    def __post_init__(self) -> None:
        known = [f.name for f in fields(Events)]
        for prices in (self.image_prices, self.box_prices, self.pool_prices or {}):
            for kind, price in prices.items():
                if kind not in known:
                    raise InputError(f"{self.name}: no event is called {kind!r}: choose among {', '.join(known)}")
                if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < np.inf:
                    raise InputError(f"{self.name}: the price {price!r} of {kind}: give a finite number from 0")

    def of_images(self, events: Events) -> float:
        """Price of wholly labelled images, in `unit`."""
        return events.priced(self.image_prices)

    def of_boxes(self, events: Events) -> float:
        """Price of queried boxes, in `unit`."""
        return events.priced(self.box_prices)

    def of_pool(self, events: Events) -> float:
        """Price of the whole pool, the denominator, in `unit`."""
        return events.priced(self.image_prices if self.pool_prices is None else self.pool_prices)

    def box_costs(self, annotation: pa.Table) -> NDArray[Any]:
        """(boxes,) price of each row of a table of boxes: int64 where counts and prices are whole, else float64."""
        costs: NDArray[Any] = np.full(annotation.num_rows, self.box_prices.get("boxes", 0))
        for kind, column in EVENT_COLUMNS.items():
            if kind in self.box_prices and column in annotation.column_names:
                costs = costs + self.box_prices[kind] * pc.fill_null(annotation[column], 0).to_numpy()
        if "pixels" in self.box_prices:
            costs = costs + self.box_prices["pixels"] * asked_pixels(annotation)
        return costs


ONE_CLICK_ANSWERS: Final[Prices] = MappingProxyType({"confirm": 1, "reclass": 1, "prompt": 1, "stroke": 1})
"""Answers that the paper has not: each is one click."""

SECONDS_PER_EVENT: Final[Prices] = MappingProxyType(
    {
        "polygon": 1.75,
        "intersection": 1.75,
        "box": 1.75,
        "class_": 1.0,
        "confirm": 1.0,
        "reclass": 2.0,
        "prompt": 2.4,
    }
)
"""Seconds of one event. A click on a boundary: 7.0 s for four of them (Papadopoulos et al. 2017, arXiv:1708.02750).
A class, or a yes: 1 s; a first click on an object: 2.4 s (Bearman et al. 2016, arXiv:1506.02106). Another class for a
proposal: a yes and a class. Crowds and tools differ: set your own with `report.seconds_per_event`."""

COST_A: Final = CostModel(
    name="cost_a",
    label="cost_A",
    unit="clicks",
    definition="Clicks for polygon vertices, crossings of box borders and classes, in percent of the vertices and "
    "classes of the whole pool (Eq. 10 of arXiv:2010.01884).",
    image_prices={"polygon": 1, "class_": 1},
    box_prices={"polygon": 1, "intersection": 1, "class_": 1, **ONE_CLICK_ANSWERS},
)
COST_B: Final = CostModel(
    name="cost_b",
    label="cost_B",
    unit="clicks",
    definition="Clicks for polygon vertices, crossings of box borders and four for each box, in percent of the "
    "vertices of the whole pool; choosing a class is free (Eq. 11 of arXiv:2010.01884).",
    image_prices={"polygon": 1},
    box_prices={"polygon": 1, "intersection": 1, "box": 1, **ONE_CLICK_ANSWERS},
)
COST_P: Final = CostModel(
    name="cost_p",
    label="cost_P",
    unit="pixels",
    definition="Pixels that were asked for, in percent of the pool's pixels; a pixel in two boxes counts twice.",
    image_prices={"pixels": 1},
    box_prices={"pixels": 1},
)


def seconds_model(seconds: Prices | None = None) -> CostModel:
    """The cost in seconds: docs/method.md#cost_s.

    Args:
        seconds: of one event, by kind, in place of those of SECONDS_PER_EVENT.

    Raises:
        InputError: a kind that nobody counts, or seconds that are no finite number from 0.
    """
    prices = {**SECONDS_PER_EVENT, **(seconds or {})}
    images = {kind: price for kind, price in prices.items() if kind in ("polygon", "class_", "pixels")}
    return CostModel(
        name="cost_seconds",
        label="cost_S",
        unit="seconds",
        definition="Time for all clicks by a price in seconds for each kind ("
        + ", ".join(f"{kind.rstrip('_')} {price:g} s" for kind, price in prices.items())
        + "), in percent of the time for the whole pool.",
        image_prices=images,
        box_prices=prices,
    )


COST_SECONDS: Final = seconds_model()

COST_MODELS: Final[dict[str, CostModel]] = {model.name: model for model in (COST_A, COST_B, COST_P, COST_SECONDS)}
"""Every cost model by its name; another one is another entry."""

PAPER_COSTS: Final = ("cost_a", "cost_b", "cost_p")
"""The paper's, which summary.json holds and reports show unless told otherwise."""


def find_cost_model(name: str) -> CostModel:
    """A cost model by its name.

    Raises:
        InputError: unknown; the message lists the known ones.
    """
    if name not in COST_MODELS:
        raise InputError(f"cost model {name!r} is unknown: choose one of {', '.join(COST_MODELS)}")
    return COST_MODELS[name]
