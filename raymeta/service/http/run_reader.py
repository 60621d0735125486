"""The run folder as the HTTP side reads it: pool, query and progress; tables are kept while their manifest stays."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from raymeta.boxes import Box
from raymeta.config import ExperimentConfig
from raymeta.datasets.registry import open_existing
from raymeta.datasets.sample import Dataset
from raymeta.labels.picture_files import PictureFiles
from raymeta.labels.waiting import status_now
from raymeta.locations import last_name
from raymeta.loop.iteration_bundle import REGRESSOR
from raymeta.report.run_results import FULL_SET
from raymeta.runs.records import ScoreRecord, SummaryRecord
from raymeta.runs.run_format import run_key
from raymeta.runs.run_state import is_over, state_of
from raymeta.runs.run_status import RunStatus
from raymeta.runs.run_store import RunError, RunStore
from raymeta.runs.split import Split, read_split
from raymeta.schemas import IMAGE_ID, LEFT, RANK, SPLIT_INITIAL, SPLIT_META, SPLIT_POOL, TOP, WIDTH
from raymeta.service.scoring.bundle_cache import SERVABLE_STAGE
from raymeta.service.scoring.score_choice import Abilities
from raymeta.service.settings import ServiceSettings

KEPT_ITERATIONS: Final = 8
STATUS_AGE_S: Final = 2.0


@dataclass(frozen=True)
class LabelledBox:
    """A box that was answered, and the iteration that asked for it."""

    box: Box
    iteration: int


@dataclass(frozen=True)
class IterationTables:
    """One servable iteration. images: POOL_IMAGE_SCHEMA rows by image id. query: QUERY_SCHEMA.

    query_rows: its rows by image id. labelled: boxes answered before, by image id. abilities: what it can score.
    """

    iteration: int
    images: dict[str, dict[str, Any]]
    query: pa.Table
    query_rows: dict[str, list[dict[str, Any]]]
    labelled: dict[str, list[LabelledBox]]
    abilities: Abilities


class RunReader:
    """Reads what the run has committed; nothing is read twice while its manifest stays the same.

    Raises:
        RunError, DatasetError: no run, or its data set is not there.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self.store = RunStore(settings.run)
        self.config: ExperimentConfig = self.store.load_config()
        self.dataset_config = settings.dataset(self.config.dataset)
        self.dataset: Dataset = open_existing(self.dataset_config, self.config.seed)
        self.picture_files = PictureFiles(self.dataset)
        self.split: Split = read_split(self.store)
        self.split_names = {
            image_id: name
            for name, ids in (
                (SPLIT_INITIAL, self.split.initial),
                (SPLIT_META, self.split.meta),
                (SPLIT_POOL, self.split.unlabelled),
            )
            for image_id in ids
        }
        self._tables: OrderedDict[tuple[int, str], IterationTables] = OrderedDict()
        self._summaries: dict[int, tuple[str, SummaryRecord]] = {}
        self._status: tuple[float, RunStatus | None] = (float("-inf"), None)
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Name of the run folder."""
        return last_name(self.store.location)

    @property
    def key(self) -> str:
        """Tells the run from every other one."""
        return run_key(self.store.run_info(), self.name)

    def servable(self) -> list[int]:
        """Iterations that can be asked for, ascending."""
        return [i for i in self.store.iterations() if self.store.iteration(i).fingerprint(SERVABLE_STAGE)]

    def tables(self, iteration: int) -> IterationTables | None:
        """Tables of a servable iteration; None where the run has none of that number.

        Raises:
            RunError: an artefact is missing or damaged.
        """
        fingerprint = self.store.iteration(iteration).fingerprint(SERVABLE_STAGE)
        if fingerprint is None:
            return None
        with self._lock:
            key = (iteration, fingerprint)
            if key not in self._tables:
                self._tables[key] = self._read_tables(iteration)
                while len(self._tables) > KEPT_ITERATIONS:
                    self._tables.popitem(last=False)
            self._tables.move_to_end(key)
            return self._tables[key]

    def summaries(self) -> list[SummaryRecord]:
        """summary.json of every finished iteration, ascending; a damaged one is left out."""
        found = []
        for index in self.store.iterations():
            folder = self.store.iteration(index)
            fingerprint = folder.fingerprint("summary")
            if fingerprint is None:
                continue
            kept = self._summaries.get(index)
            if kept is None or kept[0] != fingerprint:
                try:
                    kept = (fingerprint, SummaryRecord.read(folder))
                except RunError:
                    continue  # the run makes it anew when it is resumed
                self._summaries[index] = kept
            found.append(kept[1])
        return found

    def is_finished(self) -> bool:
        """Whether nothing is left to do: all planned iterations are done, or the pool is dry."""
        boxes = [summary.query_boxes for summary in self.summaries()]
        return is_over(state_of(self.config.acquisition.strategy, self.config.iterations, boxes))

    def status(self) -> RunStatus:
        """How far the run is, and whether a process works on it; seconds old at most.

        Raises:
            RunError: its config can't be read.
        """
        with self._lock:
            read_at, found = self._status
            if found is None or time.monotonic() - read_at > STATUS_AGE_S:
                found = status_now(self.store.location)
                self._status = (time.monotonic(), found)
            return found

    def full_set_miou(self) -> float | None:
        """Last mIoU of the full-set run that the config names, as in reports; None where there is none yet."""
        named = self.config.report.full_set_run
        if named is None:
            return None
        try:
            store = RunStore(named)
            finished = [i for i in store.iterations() if store.iteration(i).fingerprint("summary")]
            if not finished or store.load_config().acquisition.strategy != FULL_SET:
                return None
            return SummaryRecord.read(store.iteration(finished[-1])).miou
        except RunError:
            return None

    def _read_tables(self, iteration: int) -> IterationTables:
        folder = self.store.iteration(iteration)
        query = folder.read_table("query.parquet")
        images = {row[IMAGE_ID]: row for row in folder.read_table("images.parquet").to_pylist()}
        query_rows: dict[str, list[dict[str, Any]]] = {}
        for row in query.to_pylist():
            query_rows.setdefault(row[IMAGE_ID], []).append(row)
        clicks_max = ScoreRecord.read(folder).clicks_max if folder.is_named("score.json") else None
        able = Abilities(self.config.acquisition, folder.is_named(REGRESSOR), clicks_max)
        return IterationTables(iteration, images, query, query_rows, self._labelled(iteration), able)

    def _labelled(self, iteration: int) -> dict[str, list[LabelledBox]]:
        labelled: dict[str, list[LabelledBox]] = {}
        for earlier in range(iteration):
            table = self.store.iteration(earlier).read_table("annotation.parquet").sort_by(RANK)
            for row in table.to_pylist():
                box = Box(row[TOP], row[LEFT], row[WIDTH])
                labelled.setdefault(row[IMAGE_ID], []).append(LabelledBox(box, earlier))
        return labelled
