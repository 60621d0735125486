"""What the driver does for a very large pool: the split, the rows of a pass, their table, the run folder's blocks."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measurement import Measurement, rss_mib, timed
from raymeta.config import AcquisitionConfig
from raymeta.loop.image_tasks import PART_IMAGES
from raymeta.runs.finished_blocks import FinishedBlocks
from raymeta.runs.image_rows import ImageRow, image_table
from raymeta.runs.split import split_pool
from raymeta.runs.store_files import StoreFiles

IMAGES, QUICK_IMAGES = 200_000, 2_000
BLOCK_FILES, QUICK_BLOCK_FILES = 2_000, 100


def measure_scale(quick: bool) -> list[Measurement]:
    """Seconds and memory of each, for so many images and files of blocks."""
    images = QUICK_IMAGES if quick else IMAGES
    ids = [f"city_{number:08d}" for number in range(images)]
    sizes = AcquisitionConfig(
        strategy="metabox_plus", box_width=128, query_size=6400, initial_images=100, meta_images=100
    )
    return [
        _measure("split drawn", f"{images} images", lambda: split_pool(ids, [], sizes, needs_meta_set=True, seed=0)),
        _measure("rows of a pass", f"{images} images", lambda: [scored_row(image_id) for image_id in ids]),
        _measure_table(ids),
        *_measure_blocks(QUICK_BLOCK_FILES if quick else BLOCK_FILES),
    ]


def scored_row(image_id: str) -> dict[str, Any]:
    """As a scoring actor sends it, without candidates; each value an object of its own, as unpickling makes them."""
    number = float(hash(image_id) % 1000)
    return {
        "image_id": image_id,
        "error": None,
        "segments": int(number) + 1000,
        "mean_predicted_iou": number / 3,
        "mean_entropy": number / 7,
        "estimated_clicks": int(number) + 2000,
        "unlabelled_pixels": int(number) + 3000,
        "best_score": number / 11,
        "candidates": int(number) + 4000,
        "seconds_decode": number / 13,
        "seconds_network": number / 17,
        "seconds_score": number / 19,
    }


def _measure(stage: str, size: str, work: Callable[[], object]) -> Measurement:
    """Seconds of one call, and the memory that its result holds."""
    before, start = rss_mib(), time.perf_counter()
    kept = work()
    seconds, held = time.perf_counter() - start, rss_mib() - before
    del kept
    return Measurement(stage, size, seconds, peak_mib=held, note="memory that stays held")


def _measure_table(ids: list[str]) -> Measurement:
    rows = [scored_row(image_id) for image_id in ids]
    return _measure("images.parquet's table", f"{len(ids)} images", lambda: image_table(map(ImageRow.of, rows)))


def _measure_blocks(count: int) -> list[Measurement]:
    """Parts as a run keeps them: written one a file, then listed and read back as a resumed run does."""
    with tempfile.TemporaryDirectory() as folder:
        files = StoreFiles(str(Path(folder) / "run"))
        start = time.perf_counter()
        for part in range(count):
            with FinishedBlocks(files, f"blocks/{part % 100:02d}", "key") as finished:
                finished.add([scored_row(f"{part}_{number}") for number in range(PART_IMAGES)])
        written = time.perf_counter() - start
        read = timed(lambda: [_read(files, f"blocks/{shard:02d}") for shard in range(min(count, 100))])
    size = f"{count} files"
    return [Measurement("blocks written", size, written), Measurement("blocks listed and read", size, read)]


def _read(files: StoreFiles, folder: str) -> int:
    with FinishedBlocks(files, folder, "key") as finished:
        return sum(len(rows) for rows in finished.blocks())
