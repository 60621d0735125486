"""The selection over a large pool: candidates of many images streamed into one selector."""

import pickle
import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from benchmarks.measurement import Measurement, rss_mib
from raymeta.acquisition.box_selection import BoxMerge, select_boxes
from raymeta.cluster.box_selector import BoxSelector
from raymeta.schemas import CANDIDATE_SCHEMA

MAX_CANDIDATES = 128
QUERY_SIZE = 6400
BATCH_IMAGES = 500
MEMORY_EVERY = 20_000


def candidate_stream(images: int, ascending: bool, seed: int = 0) -> Iterator[pa.Table]:
    """One table an image: 1 to 128 boxes, best first, made in batches so that making them costs little.

    ascending: each image beats all before it, the worst order; else scores are alike over the pool.
    """
    rng = np.random.default_rng(seed)
    for first in range(0, images, BATCH_IMAGES):
        count = min(BATCH_IMAGES, images - first)
        lengths = rng.integers(1, MAX_CANDIDATES + 1, count)
        scores = -np.sort(-rng.random((count, MAX_CANDIDATES)), axis=1)
        corners = rng.integers(0, 900, (2, count, MAX_CANDIDATES), dtype=np.int32)
        corners[1] = np.arange(MAX_CANDIDATES, dtype=np.int32)
        for index in range(count):
            length = int(lengths[index])
            columns = [
                pa.array([f"city_{first + index:07d}"] * length, pa.string()),
                pa.array(scores[index, :length] + (first + index if ascending else 0)),
                pa.array(corners[0, index, :length]),
                pa.array(corners[1, index, :length]),
            ]
            yield pa.Table.from_arrays(columns, schema=CANDIDATE_SCHEMA)


def measure_selection(quick: bool) -> list[Measurement]:
    """Rows a second and memory for both orders; raises AssertionError if a smaller case differs from the full sort."""
    _check_exact(images=300 if quick else 3000)
    images = 2000 if quick else 1_000_000
    return [_stream(images, ascending=False), _stream(images // 10, ascending=True)]


def _stream(images: int, ascending: bool) -> Measurement:
    selector, merge = BoxSelector(), pickle.dumps(BoxMerge(QUERY_SIZE))
    before, highest, rows, seconds = rss_mib(), 0.0, 0, 0.0
    for number, table in enumerate(candidate_stream(images, ascending)):
        rows += table.num_rows
        start = time.perf_counter()
        selector.add(0, merge, table)
        seconds += time.perf_counter() - start
        if number % MEMORY_EVERY == 0:
            highest = max(highest, rss_mib() - before)
    start = time.perf_counter()
    query, _ = selector.result(0, merge)
    seconds += time.perf_counter() - start
    assert query.num_rows == min(QUERY_SIZE, rows)
    order = "each image beats all before" if ascending else "random order"
    return Measurement(
        "selection", f"{images} images, {rows} rows", seconds, None, max(highest, rss_mib() - before),
        "≥ 1,000,000 rows/s, < 300 MB", f"{rows / seconds / 1e6:.2f} million rows/s; {order}",
    )  # fmt: skip


def _check_exact(images: int) -> None:
    merge = BoxMerge(QUERY_SIZE)
    tables = list(candidate_stream(images, ascending=False))
    for table in tables:
        merge.add(table.filter(pa.array(table["score"].to_numpy() >= merge.cutoff())))
    rows = pa.concat_tables(tables).to_pylist()
    rows.sort(key=lambda row: (-row["score"], row["image_id"].encode(), row["top"], row["left"]))
    assert merge.result().to_pylist() == rows[:QUERY_SIZE]
    assert select_boxes(pa.concat_tables(tables), QUERY_SIZE).to_pylist() == rows[:QUERY_SIZE]
