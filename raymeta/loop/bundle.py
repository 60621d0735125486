"""What an iteration's scores depend on, as plain bytes: it can be sent anywhere, and read without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.labelled_regions import LabelledRegions

Region = tuple[int, int, int, int]
"""Top, left, height and width in the data set's pixels."""


@dataclass(frozen=True)
class Bundle:
    """What an iteration's scores depend on; small enough to send to every scorer once.

    network: state dict as `torch.save` writes it. regressor: `MetaRegressor.to_bytes`, or None.
    clicks_max: largest click count of a box on the sample (docs/method.md#normalised-click-priority), or None where it
        isn't used.
    reference: labels of the meta set, or other known labels, for the bundle whose task needs them.
    class_weights: a weight a class in [0, 1], or None. cost_regressor: `CostRegressor.to_bytes`, or None.
    tasks: id and region of the tasks of each image that are to be pre-annotated.
    """

    key: str
    iteration: int
    network: bytes
    regressor: bytes | None
    regions: LabelledRegions
    clicks_max: int | None = None
    reference: KnownLabels = field(default_factory=KnownLabels)
    class_weights: tuple[float, ...] | None = None
    cost_regressor: bytes | None = None
    tasks: Mapping[str, tuple[tuple[str, Region], ...]] = field(default_factory=dict)
