"""The fixed sample of pool images that sets `clicks_max` (docs/method.md#normalised-click-priority)."""

from collections.abc import Sequence

import numpy as np


def clicks_sample(unlabelled: Sequence[str], seed: int, size: int) -> list[str]:
    """At most `size` of the pool's images: the same for a seed, in whatever order they come."""
    everything = sorted(unlabelled, key=str.encode)
    rng = np.random.default_rng([seed, 1])
    return [everything[i] for i in rng.choice(len(everything), size=min(size, len(everything)), replace=False)]
