"""What the values of label files look like, and what they may mean that nobody wanted: pure functions over counts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.class_list import ClassList
from raymeta.datasets.sample import IGNORED

NUM_VALUES: Final = 256

MIN_VOID_SHARE: Final = 0.01
"""Of all pixels: less is a seam or a speck, more may be an object."""

MAX_RARE_SHARE: Final = 0.10
MIN_RARE_VALUES: Final = 4
"""Blended edges give many values that cover little; a forgotten class gives one or two."""

MIN_PICTURE_VALUES: Final = 32
MAX_PICTURE_SMOOTHNESS: Final = 0.6
"""Share of equal neighbours: label maps have 0.9 and more, photographs 0.1 to 0.4."""


@dataclass(frozen=True, eq=False)
class LabelStatistics:
    """Values of some label files.

    names: of the N files. counts: (N, 256) int64, pixels of each value. smoothness: (N,) float64, share of horizontal
    neighbours that are equal.
    """

    names: Sequence[str] = ()
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, NUM_VALUES), np.int64))
    smoothness: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def totals(self) -> NDArray[np.int64]:
        """(256,) int64: pixels of each value in all files."""
        return np.asarray(self.counts.sum(axis=0), dtype=np.int64)

    def __add__(self, other: "LabelStatistics") -> "LabelStatistics":
        """Both together."""
        return LabelStatistics(
            [*self.names, *other.names],
            np.concatenate([self.counts, other.counts]),
            np.concatenate([self.smoothness, other.smoothness]),
        )


def value_counts(file_values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(256,) int64: pixels of each value. file_values: (H, W) uint8."""
    return np.bincount(file_values.ravel(), minlength=NUM_VALUES)


def label_smoothness(file_values: NDArray[np.uint8]) -> float:
    """Share of horizontal neighbours that are equal; 1 for a single column. file_values: (H, W) uint8."""
    if file_values.shape[1] < 2:
        return 1.0
    return float((file_values[:, 1:] == file_values[:, :-1]).mean())


def class_pixels(totals: NDArray[np.int64], classes: ClassList) -> NDArray[np.int64]:
    """(C,) int64: pixels of each class. totals: (256,) int64."""
    pixels = np.zeros(len(classes.names), dtype=np.int64)
    for value, train_id in classes.train_ids.items():
        if train_id != IGNORED:
            pixels[train_id] += totals[value]
    return pixels


def void_values(totals: NDArray[np.int64], classes: ClassList) -> dict[int, int]:
    """Value → pixels of what occurs and is counted as void. totals: (256,) int64."""
    return {
        value: int(totals[value])
        for value, train_id in sorted(classes.train_ids.items())
        if train_id == IGNORED and totals[value]
    }


def label_facts(pool: LabelStatistics, validation: LabelStatistics, classes: ClassList) -> list[str]:
    """Each class's share, and the values that count as void, one line each."""
    both = pool + validation
    totals = both.totals
    everything = int(totals.sum())
    if not everything:
        return []
    pixels = class_pixels(totals, classes)
    order = sorted(range(len(pixels)), key=lambda index: -pixels[index])
    shares = ", ".join(f"{classes.names[index]} {_percent(pixels[index] / everything)}" for index in order)
    lines = [f"classes by their share of the pixels of {len(both.names)} label maps: {shares}"]
    void = void_values(totals, classes)
    if void:
        values = ", ".join(f"{value} ({_percent(count / everything)})" for value, count in void.items())
        lines.append(f"values counted as void, never learnt and never judged: {values}")
    return lines


def label_suspicions(
    pool: LabelStatistics, validation: LabelStatistics, classes: ClassList, *, absent: bool = True
) -> list[str]:
    """Label maps that are legal and probably mean something else: what was seen, what it may mean, the remedy.

    absent: whether to name classes that never occur.
    """
    both = pool + validation
    if not both.totals.any():
        return []
    return [
        *_pictures(both),
        *_unknown(both, classes),
        *_void(both, classes),
        *(_absent(pool, validation, classes) if absent else ()),
        *_constant(both, classes),
    ]


def _pictures(both: LabelStatistics) -> list[str]:
    """Label files that are photographs."""
    many = (both.counts > 0).sum(axis=1) >= MIN_PICTURE_VALUES
    names = [both.names[int(index)] for index in np.flatnonzero(many & (both.smoothness <= MAX_PICTURE_SMOOTHNESS))]
    if not names:
        return []
    return [
        f"{len(names)} label maps look like photographs ({_some(names)}): dozens of values that change from pixel to "
        "pixel; put the label maps there, or correct dataset.label_pattern"
    ]


def _unknown(both: LabelStatistics, classes: ClassList) -> list[str]:
    """What values outside of the class list may come from."""
    totals = both.totals
    present = {int(value) for value in np.flatnonzero(totals)}
    unknown = sorted(present - classes.train_ids.keys())
    evaluated = sorted(value for value, train_id in classes.train_ids.items() if train_id != IGNORED)
    if evaluated == list(range(len(evaluated))) and _one_based(present, classes, len(evaluated)):
        shift = ", ".join(f"{value + 1}: {value}" for value in evaluated[:3])
        return [
            f"label values seem to begin at 1: {len(evaluated)} occurs and 0 never does, while the class list begins "
            f"at 0; every class is taken for its neighbour: count `value` from 1 in the class list, or set "
            f"`remap: {{{shift}, …}}`"
        ]
    share = totals[unknown].sum() / totals.sum() if unknown else 0.0
    if len(unknown) >= MIN_RARE_VALUES and share <= MAX_RARE_SHARE and np.median(both.smoothness) > 0.6:
        return [
            f"{len(unknown)} values outside the class list cover {_percent(share)} of the pixels: such blended values "
            "come from anti-aliasing, smooth resizing or JPEG; export without them, or resize by nearest neighbour"
        ]
    return []


def _one_based(present: set[int], classes: ClassList, num_classes: int) -> bool:
    """Whether the values are those of the class list, and 1 more. All classes but the last must be there."""
    shifted = set(range(1, num_classes + 1))
    return 0 not in present and num_classes in present and len(present & shifted) > num_classes / 2 + 0.5


def _void(both: LabelStatistics, classes: ClassList) -> list[str]:
    """Void that may be a class."""
    totals = both.totals
    everything = int(totals.sum())
    void = void_values(totals, classes)
    pixels = class_pixels(totals, classes)
    absent = [name for name, count in zip(classes.names, pixels, strict=True) if count == 0]
    lines = []
    present = {int(value) for value in np.flatnonzero(totals)}
    for value, count in void.items():
        if count < MIN_VOID_SHARE * everything or not absent or _is_shifted(present, classes):
            continue
        if present == {0, 255}:
            seen = f"the label maps hold 0 and 255 alone, and 255 ({_percent(count / everything)}) counts as void"
        elif len(absent) <= 2 and len(void) <= 2:
            seen = f"value {value} covers {_percent(count / everything)} of the pixels and counts as void"
        else:
            continue
        name = absent[0]
        lines.append(
            f"{seen}, while no pixel is {name}: if {value} means {name}, write `value: {value}` there and "
            f"`void: []`, or `remap: {{{value}: {_value_of(name, classes)}}}` and `void: []`"
        )
    if sum(void.values()) > everything / 2:
        lines.append(
            f"void covers {_percent(sum(void.values()) / everything)} of the pixels: nothing is learnt there; "
            "if that is not meant, correct `void` in the class list"
        )
    return lines


def _is_shifted(present: set[int], classes: ClassList) -> bool:
    evaluated = [value for value, train_id in classes.train_ids.items() if train_id != IGNORED]
    return sorted(evaluated) == list(range(len(evaluated))) and _one_based(present, classes, len(evaluated))


def _absent(pool: LabelStatistics, validation: LabelStatistics, classes: ClassList) -> list[str]:
    """Classes that never occur."""
    in_pool = class_pixels(pool.totals, classes) > 0
    in_validation = class_pixels(validation.totals, classes) > 0
    lines = []
    nowhere = [name for name, a, b in zip(classes.names, in_pool, in_validation, strict=True) if not a and not b]
    if nowhere:
        lines.append(
            f"no pixel of {len(pool.names) + len(validation.names)} label maps is {_listed(nowhere)}: correct `value` "
            "in the class list, or leave the class out"
        )
    if pool.totals.any() and validation.totals.any():
        only_validation = [n for n, a, b in zip(classes.names, in_pool, in_validation, strict=True) if b and not a]
        only_pool = [n for n, a, b in zip(classes.names, in_pool, in_validation, strict=True) if a and not b]
        if only_validation:
            lines.append(
                f"{_listed(only_validation)} occurs in {len(validation.names)} label maps of the validation images and "
                f"in none of {len(pool.names)} of the pool: it can't be learnt; add such images to the pool"
            )
        if only_pool:
            lines.append(
                f"{_listed(only_pool)} occurs in no label map of {len(validation.names)} validation images: its IoU "
                "can't be told; add such images"
            )
    return lines


def _constant(both: LabelStatistics, classes: ClassList) -> list[str]:
    """Label maps of one value."""
    constant = (both.counts > 0).sum(axis=1) == 1
    void = [value for value, train_id in classes.train_ids.items() if train_id == IGNORED]
    empty = constant & (both.counts[:, void].sum(axis=1) > 0)
    lines = []
    if empty.any():
        names = [both.names[int(index)] for index in np.flatnonzero(empty)]
        lines.append(
            f"{len(names)} label maps are void throughout ({_some(names)}): leave the files out if these images are "
            "not labelled yet"
        )
    full = constant & ~empty
    if len(both.names) >= 2 and 2 * full.sum() > len(both.names):
        names = [both.names[int(index)] for index in np.flatnonzero(full)]
        lines.append(
            f"{len(names)} of {len(both.names)} label maps hold one value only ({_some(names)}): were they exported "
            "with their objects?"
        )
    return lines


def _value_of(name: str, classes: ClassList) -> int:
    index = classes.names.index(name)
    return next(value for value, train_id in classes.train_ids.items() if train_id == index)


def _percent(share: float) -> str:
    if share == 0:
        return "0 %"
    return "<0.1 %" if share < 0.001 else f"{100 * share:.1f} %"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
