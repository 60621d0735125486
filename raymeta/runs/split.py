"""Which images start labelled, which fit the meta regressor, which are queried (docs/method.md#the-split)."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from raymeta.config import AcquisitionConfig
from raymeta.datasets.data_paths import read_whole
from raymeta.datasets.remote_paths import data_path
from raymeta.datasets.sample import DatasetError
from raymeta.errors import InputError
from raymeta.local_files import LocalFileError
from raymeta.locations import hide_secrets
from raymeta.runs.run_store import RunError, RunStore
from raymeta.schemas import (
    IMAGE_ID,
    SPLIT,
    SPLIT_INITIAL,
    SPLIT_META,
    SPLIT_POOL,
    SPLIT_SCHEMA,
    SPLIT_TEST,
    SPLIT_VALIDATION,
)

MAX_LIST_BYTES: Final = 64 << 20

ChooseImages = Callable[[Sequence[str], int], Sequence[str]]
"""Chooses so many of some image ids."""


class SplitError(InputError):
    """The pool is too small for the sets that the config asks for."""


@dataclass(frozen=True)
class Split:
    """Image ids of the initial set L0, the meta set M, the rest of the pool U, validation and, if asked for, test."""

    initial: tuple[str, ...]
    meta: tuple[str, ...]
    unlabelled: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...] = ()

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
            (SPLIT_TEST, self.test),
        )
        rows = [{IMAGE_ID: image_id, SPLIT: name} for name, ids in parts for image_id in ids]
        return pa.Table.from_pylist(rows, schema=SPLIT_SCHEMA)

    @classmethod
    def from_table(cls, table: pa.Table) -> "Split":
        """Inverse of `to_table`."""
        names = (SPLIT_INITIAL, SPLIT_META, SPLIT_POOL, SPLIT_VALIDATION, SPLIT_TEST)
        ids: dict[str, list[str]] = {name: [] for name in names}
        for row in table.to_pylist():
            ids[row[SPLIT]].append(row[IMAGE_ID])
        return cls(*(tuple(ids[name]) for name in names))


def split_pool(
    pool_ids: Sequence[str],
    validation_ids: Sequence[str],
    acquisition: AcquisitionConfig,
    *,
    needs_meta_set: bool,
    seed: int,
    labelled: Collection[str] | None = None,
    choose: ChooseImages | None = None,
    test_ids: Sequence[str] = (),
) -> Split:
    """Cut one seeded permutation of the sorted pool ids into L0, M and U.

    Definitions: docs/method.md#initial-set, docs/method.md#meta-set.

    `L0` depends on the seed and the lists alone, never on the strategy or the order in which images are listed. Where
    people label, images that are `labelled` already come first, and those that neither L0 nor M takes join L0: nobody
    is asked twice.

    Args:
        pool_ids: of the pool.
        validation_ids: of the validation images, kept in their order.
        acquisition: tells the numbers and lists.
        needs_meta_set: whether there is an M.
        seed: of the permutation.
        labelled: images whose labels people, or the data set, have given already.
        choose: chooses L0 among the images that `meta_list` leaves, in place of the permutation's first.
        test_ids: of the test split, kept in their order.

    Raises:
        SplitError: the pool has fewer images than `initial_images` and `meta_images` together, or a list names other
            images than those of the pool, an image twice, or one that the other list names.
    """
    ordered = sorted(pool_ids, key=lambda image_id: image_id.encode())
    order = np.random.default_rng(seed).permutation(len(ordered))
    shuffled = [ordered[index] for index in order]
    known = frozenset(labelled or ())
    shuffled.sort(key=lambda image_id: image_id not in known)  # stable: the seed's order stays within each part
    if acquisition.strategy == "full_set":
        return Split(tuple(shuffled), (), (), tuple(validation_ids), tuple(test_ids))
    initial = _listed("acquisition.initial_list", acquisition.initial_list, shuffled)
    meta = _listed("acquisition.meta_list", acquisition.meta_list, shuffled)
    if both := sorted(set(initial or ()) & set(meta or ())):
        raise SplitError(
            f"acquisition.initial_list and meta_list both name {_some(both)}: what fits the meta regressor is never "
            "trained on; remove them from one list"
        )
    if initial is None:
        initial = _first(shuffled, meta or (), acquisition.initial_images, "initial_images")
        if choose is not None:
            initial = tuple(choose([i for i in ordered if i not in set(meta or ())], acquisition.initial_images))
    if not needs_meta_set:
        meta = ()
    elif meta is None:
        meta = _first(shuffled, initial, acquisition.meta_images, "meta_images")
    rest = known.difference(initial, meta)
    initial += tuple(image_id for image_id in shuffled if image_id in rest)
    taken = {*initial, *meta}
    unlabelled = tuple(image_id for image_id in ordered if image_id not in taken)
    return Split(initial, meta, unlabelled, tuple(validation_ids), tuple(test_ids))


def _first(shuffled: Sequence[str], taken: Sequence[str], count: int, key: str) -> tuple[str, ...]:
    """So many images that aren't taken. Raises SplitError where there are fewer."""
    others = set(taken)
    free = [image_id for image_id in shuffled if image_id not in others]
    if count > len(free):
        raise SplitError(
            f"acquisition.{key} {count} and {len(taken)} of the other set need {count + len(taken)} images, the pool "
            f"has {len(shuffled)}: choose smaller sets"
        )
    return tuple(free[:count])


def _listed(key: str, location: str | None, pool: Sequence[str]) -> tuple[str, ...] | None:
    """Image ids of a list in its order; None where no list is named."""
    if location is None:
        return None
    shown = hide_secrets(location)
    try:
        text = read_whole(data_path(location), MAX_LIST_BYTES).decode()
    except (OSError, UnicodeDecodeError, LocalFileError, DatasetError) as error:
        reason = "isn't UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise SplitError(f"{key} {shown}: can't be read: {reason}; write one image id a line") from None
    ids = [line.strip() for line in text.splitlines() if line.strip()]
    if not ids:
        raise SplitError(f"{key} {shown} names no image: write one image id a line, or leave the key out")
    if twice := sorted(name for name, count in Counter(ids).items() if count > 1):
        raise SplitError(f"{key} {shown} names {_some(twice)} more than once: remove the repetitions")
    if unknown := sorted(set(ids) - set(pool)):
        raise SplitError(
            f"{key} {shown} names {_some(unknown)}, which the pool doesn't have: write ids as {pool[0]}, without "
            "folder and ending"
        )
    return tuple(ids)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


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
