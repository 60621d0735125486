"""Which images start labelled, which fit the meta regressor, which are queried (docs/method.md#the-split)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from raymeta.config import AcquisitionConfig
from raymeta.errors import InputError
from raymeta.runs.run_store import RunError, RunStore
from raymeta.schemas import (
    IMAGE_ID,
    SPLIT,
    SPLIT_INITIAL,
    SPLIT_META,
    SPLIT_POOL,
    SPLIT_SCHEMA,
    SPLIT_VALIDATION,
)


class SplitError(InputError):
    """The pool is too small for the sets that the config asks for."""


@dataclass(frozen=True)
class Split:
    """Image ids of the initial set L0, the meta set M, the rest of the pool U, and validation."""

    initial: tuple[str, ...]
    meta: tuple[str, ...]
    unlabelled: tuple[str, ...]
    validation: tuple[str, ...]

    @property
    def pool(self) -> tuple[str, ...]:
        """All of P: the denominators of costs (docs/method.md#pool)."""
        return self.initial + self.meta + self.unlabelled

    def to_table(self) -> pa.Table:
        """One row an image, with the columns of SPLIT_SCHEMA."""
        parts = (
            (SPLIT_INITIAL, self.initial),
            (SPLIT_META, self.meta),
            (SPLIT_POOL, self.unlabelled),
            (SPLIT_VALIDATION, self.validation),
        )
        rows = [{IMAGE_ID: image_id, SPLIT: name} for name, ids in parts for image_id in ids]
        return pa.Table.from_pylist(rows, schema=SPLIT_SCHEMA)

    @classmethod
    def from_table(cls, table: pa.Table) -> "Split":
        """Inverse of `to_table`."""
        ids: dict[str, list[str]] = {name: [] for name in (SPLIT_INITIAL, SPLIT_META, SPLIT_POOL, SPLIT_VALIDATION)}
        for row in table.to_pylist():
            ids[row[SPLIT]].append(row[IMAGE_ID])
        return cls(
            tuple(ids[SPLIT_INITIAL]), tuple(ids[SPLIT_META]), tuple(ids[SPLIT_POOL]), tuple(ids[SPLIT_VALIDATION])
        )


def split_pool(
    pool_ids: Sequence[str],
    validation_ids: Sequence[str],
    acquisition: AcquisitionConfig,
    *,
    needs_meta_set: bool,
    seed: int,
) -> Split:
    """Cut one seeded permutation of the sorted pool ids into L0, M and U.

    Definitions: docs/method.md#initial-set, docs/method.md#meta-set.

    `L0` depends on the seed alone, never on the strategy or the order in which images are listed.

    Raises:
        SplitError: the pool has fewer images than `initial_images` and `meta_images` together.
    """
    ordered = sorted(pool_ids, key=lambda image_id: image_id.encode())
    order = np.random.default_rng(seed).permutation(len(ordered))
    shuffled = [ordered[index] for index in order]
    if acquisition.strategy == "full_set":
        return Split(tuple(shuffled), (), (), tuple(validation_ids))
    first = acquisition.initial_images
    second = first + (acquisition.meta_images if needs_meta_set else 0)
    if second > len(shuffled):
        raise SplitError(
            f"acquisition.initial_images {first} and meta_images {second - first} need {second} images, "
            f"the pool has {len(shuffled)}: choose smaller sets"
        )
    unlabelled = tuple(sorted(shuffled[second:], key=lambda image_id: image_id.encode()))
    return Split(tuple(shuffled[:first]), tuple(shuffled[first:second]), unlabelled, tuple(validation_ids))


def clicks_sample(unlabelled: Sequence[str], seed: int, size: int) -> list[str]:
    """The fixed sample of pool images that sets `clicks_max` (docs/method.md#normalised-click-priority).

    At most `size` of the pool's images: the same for a seed, in whatever order they come.
    """
    everything = sorted(unlabelled, key=str.encode)
    rng = np.random.default_rng([seed, 1])
    return [everything[i] for i in rng.choice(len(everything), size=min(size, len(everything)), replace=False)]


def read_split(store: RunStore) -> Split:
    """The split of a run.

    Raises:
        RunError: split.parquet is missing or damaged.
    """
    table = store.read_split()
    if table is None:
        raise RunError(f"{store.location}/split.parquet is missing or damaged: resume the run with `raymeta run`")
    return Split.from_table(table)
