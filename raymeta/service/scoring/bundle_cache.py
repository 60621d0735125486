"""The iterations that a replica has loaded: the live one, which is swapped as a whole, and a few older ones."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from raymeta.runs.run_store import RunStore

logger = logging.getLogger("raymeta.service")

T = TypeVar("T")

SERVABLE_STAGE: Final = "score"
"""With it an iteration has its network, its meta regressor, clicks_max and its query."""
RETRY_S: Final = 30.0
"""A refused bundle is looked at again after this, since what failed may have been the file system."""


@dataclass(frozen=True)
class Loaded(Generic[T]):
    """One iteration, ready to score. fingerprint: of its manifest, see `IterationFolder.fingerprint`."""

    iteration: int
    fingerprint: str
    scorer: T


class BundleRefusedError(ValueError):
    """A bundle that is damaged or can't score; the message holds the reason."""


@dataclass(frozen=True)
class Refusal:
    """Why a bundle isn't served."""

    fingerprint: str
    reason: str
    at: float


class BundleCache(Generic[T]):
    """Loads iterations of a run; `load` makes one ready or raises, and is only called by one thread at a time.

    kept: iterations beside the live one.
    """

    def __init__(self, store: RunStore, load: Callable[[int], T], kept: int) -> None:
        self._store = store
        self._load = load
        self._kept = kept
        self._live: Loaded[T] | None = None
        self._older: OrderedDict[int, Loaded[T]] = OrderedDict()
        self._refusals: dict[int, Refusal] = {}
        self._loading = threading.Lock()

    @property
    def live(self) -> Loaded[T] | None:
        """What requests without an iteration are answered with; None before the run has a sound one."""
        return self._live

    @property
    def refused(self) -> dict[int, str]:
        """Reason by iteration, of the bundles that were looked at and not taken."""
        return {iteration: refusal.reason for iteration, refusal in sorted(self._refusals.items())}

    def servable(self) -> list[int]:
        """Iterations whose manifest names a servable stage, ascending."""
        return [i for i in self._store.iterations() if self._store.iteration(i).fingerprint(SERVABLE_STAGE)]

    def refresh(self) -> bool:
        """Look for a newer iteration, or one that was done again; load it beside the live one, then swap.

        Returns whether the live iteration changed. A bundle that can't be loaded is refused and the old one stays.
        """
        with self._loading:
            for index in reversed(self._store.iterations()):
                live = self._live
                if live is not None and index < live.iteration:
                    return False
                fingerprint = self._store.iteration(index).fingerprint(SERVABLE_STAGE)
                if fingerprint is None:
                    continue
                if live is not None and (index, fingerprint) == (live.iteration, live.fingerprint):
                    return False
                loaded = self._try(index, fingerprint)
                if loaded is not None:
                    self._swap(loaded)
                    return True
        return False

    def find(self, iteration: int) -> Loaded[T] | None:
        """That iteration, loaded now if it isn't yet; None where the run has no servable one of that number.

        Raises:
            BundleRefusedError: its bundle is damaged or can't score.
        """
        live = self._live
        if live is not None and live.iteration == iteration:
            return live
        fingerprint = self._store.iteration(iteration).fingerprint(SERVABLE_STAGE)
        if fingerprint is None:
            return None
        with self._loading:
            found = self._older.get(iteration)
            if found is None or found.fingerprint != fingerprint:
                found = self._loaded(iteration, fingerprint)
            self._keep(found)
        return found

    def _try(self, index: int, fingerprint: str) -> Loaded[T] | None:
        known = self._refusals.get(index)
        if known and known.fingerprint == fingerprint and time.monotonic() - known.at < RETRY_S:
            return None
        try:
            loaded = self._loaded(index, fingerprint)
        except BundleRefusedError as error:
            self._refusals[index] = Refusal(fingerprint, str(error), time.monotonic())
            logger.error("iteration %d is refused: %s", index, error)
            return None
        self._refusals.pop(index, None)
        return loaded

    def _loaded(self, iteration: int, fingerprint: str) -> Loaded[T]:
        try:
            return Loaded(iteration, fingerprint, self._load(iteration))
        except Exception as error:  # whatever a broken bundle raises must not end the service
            raise BundleRefusedError(f"{type(error).__name__}: {error}") from error

    def _swap(self, loaded: Loaded[T]) -> None:
        previous, self._live = self._live, loaded
        logger.info("iteration %d is live", loaded.iteration)
        if previous is not None and previous.iteration != loaded.iteration:
            self._keep(previous)

    def _keep(self, loaded: Loaded[T]) -> None:
        self._older[loaded.iteration] = loaded
        self._older.move_to_end(loaded.iteration)
        while len(self._older) > self._kept:
            self._older.popitem(last=False)
