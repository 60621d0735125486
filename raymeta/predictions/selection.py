"""`raymeta select`: the best boxes of a pool whose predictions lie in files."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.acquisition.box_selection import BoxMerge
from raymeta.acquisition.pool_scoring import largest_box_clicks, score_image
from raymeta.acquisition.strategies import find_strategy
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.datasets.data_paths import DataPath, files_below
from raymeta.datasets.image_files import read_label_map
from raymeta.datasets.remote_paths import RemoteStorageError, data_path
from raymeta.errors import InputError
from raymeta.local_files import LocalFileError
from raymeta.loop.image_tasks import stream_bytes
from raymeta.loop.query_choice import query_table
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.metaseg.segment_metrics import segment_metrics
from raymeta.predictions.class_count import class_count
from raymeta.predictions.prediction_files import PredictionError, PredictionFiles
from raymeta.predictions.selection_config import SelectionConfig
from raymeta.runs.finished_blocks import FinishedBlocks
from raymeta.runs.input_key import input_key
from raymeta.runs.iteration_folder import table_from_bytes, table_to_bytes
from raymeta.runs.query_formats import query_csv, query_geojson
from raymeta.runs.split import clicks_sample
from raymeta.runs.store_files import StoreFiles
from raymeta.runs.writable_place import write_fault
from raymeta.schemas import IGNORE, IMAGE_ID

BLOCK_IMAGES: Final = 32
"""Images that are kept at a time: what is done again after a kill, at most."""
MAX_NAMED: Final = 5
REGRESSOR: Final = "meta_regressor.bin"

Softmax = NDArray[np.float32]
Each = Callable[[Sequence[str], Callable[[str], Any]], Iterator[tuple[str, Any, str | None]]]
"""Does a work for each image id, wherever; gives id, result and error, in any order. All of it can be pickled."""


@dataclass(frozen=True)
class Selection:
    """What was chosen.

    query: QUERY_SCHEMA, best first. images: of the pool. failed: those whose prediction can't be used, with the reason.
    r2: of the meta regressor, out of fold; None without one.
    """

    query: pa.Table
    images: int
    failed: dict[str, str]
    r2: float | None


def select(
    config: SelectionConfig, advance: Callable[[str, int, int], None] | None = None, each: Each | None = None
) -> Selection:
    """Fit the meta regressor, score the pool, and write the best boxes to `out_dir`.

    Memory holds a few images and the query, however large the pool is. What was scored is kept: the same call goes on
    where an earlier one was killed. The boxes are those that a run with these predictions would ask for.

    Args:
        config: what `load_selection` gives.
        advance: called with the step's name, images done, and images in all.
        each: does the work on images elsewhere; None: threads of this process. The boxes are the same.

    Returns:
        The query; also written as query.parquet, query.csv, query.geojson and selection.json.

    Raises:
        InputError: folders, labels or predictions that can't be used, or storage that doesn't answer; what is scored
            by then stays.
    """
    return _Selector(config, advance or _silent, each).run()


def _silent(step: str, done: int, total: int) -> None:
    """Nobody wants to know."""


def as_error(error: BaseException) -> str:
    """What is wrong with an image, in words.

    Raises:
        BaseException: the error itself, where it isn't the image's: storage that is away says nothing about an image.
    """
    if not isinstance(error, (OSError, ValueError)) or isinstance(error, RemoteStorageError):
        raise error
    return str(error)


class _Selector:
    def __init__(
        self, config: SelectionConfig, advance: Callable[[str, int, int], None], each: Each | None = None
    ) -> None:
        self.config, self.advance = config, advance
        self.each = each or self._in_threads
        self.strategy = find_strategy(config.strategy)
        self.files = _out_files(config.out_dir)
        self.pool = self._open("pool.predictions", config.pool.predictions)
        self.regions = _labelled_boxes(config.pool.labelled_boxes)
        self.masks = _masks(config.pool.labelled_masks)
        self.classes: int | None = None
        self.counted_in = ""

    def __getstate__(self) -> dict[str, Any]:
        """What scores an image elsewhere: progress and the way of working stay here."""
        return {**vars(self), "advance": _silent, "each": None}

    def run(self) -> Selection:
        regressor, r2 = self._fit()
        ids = self.pool.image_ids
        if self.classes is None:
            self._count_classes("pool.predictions", self.pool)
        clicks_max = self._clicks_max(ids)
        merge, failed = BoxMerge(self.config.query_size), dict[str, str]()
        with FinishedBlocks(self.files, "score.blocks", self._key(regressor, clicks_max)) as finished:
            done = set()
            for rows in finished.blocks():
                for row in rows:
                    merge.add(pa.ipc.open_stream(row["candidates"]).read_all())
                    done.add(row[IMAGE_ID])
            score = self._scoring(regressor, clicks_max, merge)
            block: list[dict[str, Any]] = []
            todo = [image_id for image_id in ids if image_id not in done]
            for count, (image_id, found, error) in enumerate(self.each(todo, score), len(done) + 1):
                if error is not None:
                    failed[image_id] = error
                    _check_left_out(failed, len(ids))
                else:
                    assert found is not None
                    merge.add(found)
                    block.append({IMAGE_ID: image_id, "candidates": stream_bytes(found)})
                if len(block) == BLOCK_IMAGES:
                    finished.add(block)
                    block = []
                self.advance("score", count, len(ids))
            finished.add(block)
            query = query_table(merge.result(), self.config.box_width)
            self._write(query, len(ids), failed, r2, clicks_max)
            finished.discard()
        return Selection(query, len(ids), failed, r2)

    def _open(self, key: str, folder: str) -> PredictionFiles:
        format_ = self.config.predictions
        return PredictionFiles(_place(key, folder), format_.content, format_.layout, format_.key)

    def _count_classes(self, key: str, files: PredictionFiles) -> None:
        self.classes, self.counted_in = class_count(files, key, self.config.seed), key

    def _softmax(self, files: PredictionFiles, image_id: str) -> Softmax:
        softmax = files.softmax(image_id)
        if softmax.shape[0] != self.classes:
            raise PredictionError(
                f"{files.path(image_id)}: has {softmax.shape[0]} classes, most of {self.counted_in} have {self.classes}"
                ": predict it anew"
            )
        return softmax

    def _fit(self) -> tuple[MetaRegressor | None, float | None]:
        if self.config.meta is None or not self.strategy.needs_meta_regressor:
            return None, None
        meta, options = self.config.meta, self.config.meta_regressor
        files = self._open("meta.predictions", meta.predictions)
        self._count_classes("meta.predictions", files)
        tables: dict[str, pa.Table] = {}
        for count, image_id in enumerate(files.image_ids, 1):
            tables[image_id] = segment_metrics(self._softmax(files, image_id), self._target(image_id))[1]
            self.advance("meta set", count, len(files.image_ids))
        ids = np.concatenate([np.repeat(image_id, table.num_rows) for image_id, table in tables.items()])
        regressor = MetaRegressor(options.kind, options.trees, options.depth, options.learning_rate, self.config.seed)
        regressor.fit(pa.concat_tables(tables.values()), ids)
        return regressor, None if np.isnan(regressor.r2) else float(regressor.r2)

    def _target(self, image_id: str) -> NDArray[np.uint8]:
        """(H, W) uint8 labels of a meta image, 255 void."""
        assert self.config.meta is not None
        labels = read_label_map(_place("meta.labels", self.config.meta.labels) / f"{image_id}.png")
        target = np.where(np.isin(labels, self.config.meta.void), np.uint8(IGNORE), labels)
        worst = int(target[target != IGNORE].max(initial=0))
        if self.classes is not None and worst >= self.classes:
            raise InputError(
                f"meta.labels {image_id}.png holds {worst}, the predictions have classes 0 to {self.classes - 1}: "
                "correct it, or name the value in meta.void"
            )
        return target

    def _labelled(self, image_id: str, height: int, width: int) -> NDArray[np.bool_]:
        mask = self.regions.mask(image_id, height, width)
        if self.masks is None:
            return mask
        path = self.masks / f"{image_id}.png"
        if not path.is_file():
            return mask
        given = read_label_map(path)
        if given.shape != (height, width):
            raise InputError(f"{path} is {given.shape[0]}×{given.shape[1]}, the prediction {height}×{width} pixels")
        return mask | (given != 0)

    def _clicks_max(self, ids: Sequence[str]) -> int | None:
        config = self.config
        if not self.strategy.uses_clicks or config.clicks_priority != "normalized":
            return None
        sample = clicks_sample(ids, config.seed, config.clicks_sample_images)

        def count(image_id: str) -> int:
            softmax = self._softmax(self.pool, image_id)
            mask = self._labelled(image_id, *softmax.shape[1:])
            return largest_box_clicks(softmax, box_width=config.box_width, labelled_mask=mask, epsilon=config.epsilon)

        counts = [1]
        for number, (_, found, error) in enumerate(self.each(sample, count), 1):
            if error is None and found is not None:
                counts.append(found)
            self.advance("sample", number, len(sample))
        return max(counts)

    def _scoring(
        self, regressor: MetaRegressor | None, clicks_max: int | None, merge: BoxMerge
    ) -> Callable[[str], pa.Table]:
        config = self.config

        def score(image_id: str) -> pa.Table:
            softmax = self._softmax(self.pool, image_id)
            return score_image(
                softmax,
                strategy=config.strategy,
                box_width=config.box_width,
                seed=config.seed,
                iteration=config.iteration,
                image_id=image_id,
                regressor=regressor,
                labelled_mask=self._labelled(image_id, *softmax.shape[1:]),
                epsilon=config.epsilon,
                clicks_priority=config.clicks_priority,
                clicks_max=clicks_max,
                query_size=config.query_size,
                min_score=max(0.0, merge.cutoff()),
            ).candidates

        return score

    def _in_threads(self, ids: Sequence[str], work: Callable[[str], Any]) -> Iterator[tuple[str, Any, str | None]]:
        """Image id, result and error of each image, in order; a few are worked on ahead."""
        upcoming, waiting = iter(ids), deque[tuple[str, Future[Any]]]()
        with ThreadPoolExecutor(self.config.threads, "select") as pool:
            for image_id in ids[: 2 * self.config.threads]:
                waiting.append((next(upcoming), pool.submit(work, image_id)))
            while waiting:
                image_id, future = waiting.popleft()
                error = future.exception()
                yield (image_id, future.result(), None) if error is None else (image_id, None, as_error(error))
                for following in upcoming:
                    waiting.append((following, pool.submit(work, following)))
                    break

    def _key(self, regressor: MetaRegressor | None, clicks_max: int | None) -> str:
        settings = self.config.model_dump_json(exclude={"threads", "out_dir"})
        fitted = regressor.to_bytes() if regressor else None
        return input_key(settings, self.pool.stamp(), self.regions, self.classes, clicks_max, fitted)

    def _write(
        self, query: pa.Table, images: int, failed: dict[str, str], r2: float | None, clicks_max: int | None
    ) -> None:
        rows = query.to_pylist()
        facts = {
            "strategy": self.config.strategy,
            "box_width": self.config.box_width,
            "boxes": len(rows),
            "images": images,
            "classes": self.classes,
            "r2": r2,
            "clicks_max": clicks_max,
            "failed_images": failed,
        }
        self.files.write("query.parquet", table_to_bytes(query))
        self.files.write("query.csv", query_csv(rows))
        self.files.write("query.geojson", query_geojson(rows, self.config.iteration))
        self.files.write("selection.json", (json.dumps(facts, indent=2) + "\n").encode())


def _check_left_out(failed: Mapping[str, str], images: int) -> None:
    """Raise PredictionError where more than half of the pool is left out: the rest says little about it."""
    if 2 * len(failed) <= images:
        return
    lines = [f"  {image_id}: {failed[image_id]}" for image_id in sorted(failed, key=str.encode)[:MAX_NAMED]]
    if len(failed) > MAX_NAMED:
        lines.append(f"  and {len(failed) - MAX_NAMED} more")
    raise PredictionError(
        f"{len(failed)} of the pool's {images} images can't be used, more than half, so no query is written:\n"
        + "\n".join(lines)
        + "\nput them right, or name a folder without them in pool.predictions"
    )


def _out_files(location: str) -> StoreFiles:
    """The folder of the query. It is tried now, not after hours of scoring; behind a URI it isn't."""
    files = StoreFiles(location, key="out_dir")
    if files.local_root is not None and (reason := write_fault(files.local_root)) is not None:
        raise InputError(f"out_dir {location}: {reason}; {files.remedy}")
    return files


def _place(key: str, location: str) -> DataPath:
    try:
        return data_path(location)
    except LocalFileError as error:
        raise InputError(f"{key} {location!r}: {error}") from None


def _masks(location: str | None) -> DataPath | None:
    """The folder of masks, which must be there: a slip in its name would have labelled images asked for again."""
    if location is None:
        return None
    folder = _place("pool.labelled_masks", location)
    if not folder.is_dir():
        raise InputError(f"pool.labelled_masks {folder} isn't a folder: give the one that holds masks, or leave it out")
    return folder


def _labelled_boxes(location: str | None) -> LabelledRegions:
    """Boxes of earlier queries, which are labelled by now."""
    regions = LabelledRegions()
    if location is None:
        return regions
    place = _place("pool.labelled_boxes", location)
    paths = [path for path in files_below(place) if path.suffix == ".parquet"] if place.is_dir() else [place]
    if not paths:
        raise InputError(f"pool.labelled_boxes {place} holds no Parquet file: give a query.parquet, or leave it out")
    for path in paths:
        try:
            regions = regions.with_boxes(table_from_bytes(path.read_bytes()))
        except FileNotFoundError:
            raise InputError(f"pool.labelled_boxes {path} isn't there: correct the path, or leave it out") from None
        except (OSError, KeyError, pa.ArrowException) as error:
            raise InputError(f"pool.labelled_boxes {path}: isn't a table of boxes: {error}") from error
    return regions
