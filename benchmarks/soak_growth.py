"""Whether something grows over a soak: its last third against its second, the first one is for caches to fill."""

from collections.abc import Sequence

from benchmarks.process_tree import Footprint

GROWTH_ALLOWED = {
    "memory_mib": 0.03,
    "first_mib": 0.05,
    "open_files": 0.03,
    "threads": 0.03,
    "processes": 0.05,
    "actors": 0.1,
}
"""Share by which the last third's high level may exceed the second third's."""


def high_level(values: Sequence[float]) -> float:
    """What a tenth of the values exceed. No mean: a round has phases, and a third holds more of one than another."""
    return sorted(values)[int(0.9 * len(values))]


def growth(samples: Sequence[Footprint]) -> list[str]:
    """What grew beyond GROWTH_ALLOWED, one sentence each.

    Raises:
        ValueError: fewer than 9 samples.
    """
    if len(samples) < 9:
        raise ValueError(f"{len(samples)} samples are too few to see growth: run for longer, at least 9 are needed")
    third = len(samples) // 3
    early, late = samples[third : 2 * third], samples[2 * third :]
    grown = []
    for name, allowed in GROWTH_ALLOWED.items():
        before, after = (high_level([getattr(sample, name) for sample in part]) for part in (early, late))
        if after > before * (1 + allowed):
            grown.append(f"{name} grew from {before:.1f} to {after:.1f}")
    return grown
