"""Annotation costs in percent of the whole pool's, by the one formula that all cost models share.

Definitions: docs/method.md#cost_a, docs/method.md#cost_b, docs/method.md#cost_p.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from raymeta.annotation.cost_models import COST_MODELS, PAPER_COSTS, CostModel
from raymeta.annotation.events import EVENT_COLUMNS, NOTHING, Events
from raymeta.errors import InputError


@dataclass(frozen=True)
class PoolEstimate:
    """The whole pool's events where only some images are annotated: docs/method.md#estimated-pool.

    Attributes:
        sample: WHOLE_IMAGE_CLICKS_SCHEMA, the annotated images, which were drawn at random (L0 and M).
        images: number of images of the pool.
        pixels: of the whole pool, which are known.
    """

    sample: pa.Table
    images: int
    pixels: int

    def __post_init__(self) -> None:
        if not 1 <= self.sample.num_rows <= self.images:
            raise InputError(
                f"{self.sample.num_rows} annotated images can't tell the clicks of {self.images}: annotate at least "
                "one image, and give the size of the whole pool"
            )

    def events(self) -> Events:
        """The pool's events if all images were like the sample; pixels are exact."""
        found, scale = Events.of_images(self.sample), self.images / self.sample.num_rows
        scaled = {kind: getattr(found, kind) * scale for kind in EVENT_COLUMNS}
        return Events(**scaled, pixels=self.pixels)

    def interval(self, model: CostModel) -> tuple[float, float]:
        """95 % confidence interval of the pool's price under a model, by Student's t over the images of the sample.

        It is exact where the model prices nothing but pixels, or where every image is annotated, and reaches to
        infinity where one image is the whole sample. It never falls below what the sample itself costs.
        """
        centre, count = model.of_pool(self.events()), self.sample.num_rows
        if set(model.pool_prices or model.image_prices) <= {"pixels"} or count == self.images:
            return centre, centre
        prices = [model.of_pool(Events.of_images(self.sample.slice(row, 1))) for row in range(count)]
        known = float(sum(prices))
        if count == 1:
            return known, np.inf
        from scipy.stats import t

        error = np.std(prices, ddof=1) / np.sqrt(count) * np.sqrt(1 - count / self.images)
        reach = float(t.ppf(0.975, count - 1) * error * self.images)
        return max(known, centre - reach), centre + reach


@dataclass(frozen=True)
class Cost:
    """A cost in percent of the whole pool.

    without_meta: the same if the images of the meta set came for free. low, high: the 95 % interval where the pool's
    total is an estimate; both None where it is known.
    """

    value: float
    without_meta: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class CostLedger:
    """Everything that the costs of one iteration are made of.

    Attributes:
        pool: P, or an estimate of it.
        initial: L0.
        query: all boxes answered so far.
        meta: M, where the strategy uses it.

    Raises:
        InputError: the pool has no clicks or no pixels, so that nothing can be a share of it.
    """

    pool: Events | PoolEstimate
    initial: Events
    query: Events = NOTHING
    meta: Events = NOTHING

    def __post_init__(self) -> None:
        total = self.total
        if total.polygon <= 0 or total.pixels < 1:
            raise InputError(
                f"the pool has {total.polygon:g} polygon clicks and {total.pixels} pixels: costs are shares of "
                "them; check that its images have labels of evaluated classes"
            )

    @property
    def total(self) -> Events:
        """Events of the whole pool, estimated or known."""
        return self.pool.events() if isinstance(self.pool, PoolEstimate) else self.pool

    def spent(self, model: CostModel, with_meta: bool = True) -> float:
        """What has been annotated so far, in the unit of the model."""
        whole = self.initial + self.meta if with_meta else self.initial
        return model.of_images(whole) + model.of_boxes(self.query)

    def cost(self, model: CostModel) -> Cost:
        """What has been annotated so far, in percent of the whole pool.

        M counts like L0, and a second figure leaves it out: docs/method.md#cost-of-the-meta-set.
        """
        spent, without, total = self.spent(model), self.spent(model, with_meta=False), model.of_pool(self.total)
        cost = Cost(_percent(spent, total), _percent(without, total))
        if not isinstance(self.pool, PoolEstimate):
            return cost
        low, high = self.pool.interval(model)
        return cost if low == high else replace(cost, low=_percent(spent, high), high=_percent(spent, low))

    def costs(self) -> dict[str, Cost]:
        """Costs by name, as summary.json holds them: the paper's, and all others where the pool is an estimate.

        Where the pool is known the others follow from the raw counts.
        """
        names = COST_MODELS if isinstance(self.pool, PoolEstimate) else PAPER_COSTS
        return {name: self.cost(COST_MODELS[name]) for name in names}

    def labelled_share(self, labelled_pixels: int) -> float:
        """Percent of the pool's pixels that are labelled (docs/method.md#labelled-share).

        labelled_pixels: pixels of L0 and of the union of all boxes (`LabelledRegions.labelled_pixels`).
        """
        return 100 * labelled_pixels / self.total.pixels


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole
