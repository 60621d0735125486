"""Files to candidates with the network on a device: images a second, and core-seconds an image beside it."""

import io
import tempfile
import time
from pathlib import Path
from typing import Final

import torch

from benchmarks.measurement import Measurement
from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.config import ExperimentConfig, parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import Dataset
from raymeta.loop.bundle import Bundle
from raymeta.loop.image_pipeline import ImagePipeline
from raymeta.loop.image_scorer import ImageScorer, Softmax, Timed
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.networks.freed_memory import keep_freed_memory
from raymeta.networks.registry import build_network

FILES, QUICK_FILES = 16, 4
PASSES, QUICK_PASSES = 8, 2
THREADS: Final = (1, 4, 8, 12)
QUICK_THREADS: Final = (1,)


def measure_gpu_pool(device: torch.device, quick: bool) -> list[Measurement]:
    """Generated street scenes of 1024×2048, FCN8 at width 0.25, metabox_plus."""
    keep_freed_memory()
    height, width = (64, 96) if quick else (1024, 2048)
    files = QUICK_FILES if quick else FILES
    with tempfile.TemporaryDirectory() as folder:
        config = _config(Path(folder), files, height, width)
        dataset = open_dataset(config.dataset, 0)
        scorer = _scorer(config, dataset, device)
        passes = QUICK_PASSES if quick else PASSES
        return [_with_threads(scorer, dataset, count, passes) for count in (QUICK_THREADS if quick else THREADS)]


def _config(folder: Path, files: int, height: int, width: int) -> ExperimentConfig:
    scenes = {"train_images": files, "validation_images": 1, "height": height, "width": width, "seed": 0}
    return parse_config(
        {
            "run_dir": "unused",
            "dataset": {"kind": "street_scenes", "root": str(folder / "scenes"), "scenes": scenes},
            "acquisition": {"strategy": "metabox_plus", "box_width": min(128, height // 4), "query_size": 6400},
            "meta_regressor": {"kind": "sklearn"},
            "network": {"width_multiplier": 0.25, "batch_norm": True},
        }
    )


def _scorer(config: ExperimentConfig, dataset: Dataset, device: torch.device) -> ImageScorer:
    """An untrained network, and a meta regressor fitted on one image."""
    buffer = io.BytesIO()
    torch.save(build_network(config.network, dataset.num_classes, 0).state_dict(), buffer)
    known = KnownLabels(reference=frozenset(dataset.pool_ids()))
    plain = ImageScorer(
        config, dataset, Bundle("bench", 0, buffer.getvalue(), None, LabelledRegions(), 100, known), device
    )
    table = plain.meta_segments(dataset.pool_ids()[0])
    regressor = MetaRegressor("sklearn").fit(table, [str(row % 3) for row in range(table.num_rows)])
    bundle = Bundle("bench", 0, buffer.getvalue(), regressor.to_bytes(), LabelledRegions(), 100)
    return ImageScorer(config, dataset, bundle, device)


def _with_threads(scorer: ImageScorer, dataset: Dataset, threads: int, passes: int) -> Measurement:
    """Files again and again; the first pass warms up."""

    def work(image_id: str, softmax: Softmax, timed: Timed) -> tuple[Timed, float]:
        start = time.perf_counter()
        scorer.score_softmax(softmax, image_id)
        return timed, time.perf_counter() - start

    pipeline = ImagePipeline(threads)
    pool = dataset.pool_ids()
    try:
        list(pipeline.run(pool, dataset.image, scorer.softmax, work))
        start, cpu = time.perf_counter(), time.process_time()
        outcomes = list(pipeline.run(pool * passes, dataset.image, scorer.softmax, work))
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    finally:
        pipeline.close()
    values = [outcome.value for outcome in outcomes if outcome.value is not None]
    if len(values) < len(outcomes):
        raise RuntimeError(next(outcome.error for outcome in outcomes if outcome.error))
    count = len(values)
    parts = (sum(timed.decode for timed, _ in values), sum(timed.network for timed, _ in values))
    shares = f"decode {1000 * parts[0] / count:.1f} ms, network {1000 * parts[1] / count:.1f} ms, "
    shares += f"after it {1000 * sum(after for _, after in values) / count:.1f} ms an image"
    note = f"{count / seconds:.1f} images/s, {cpu / count:.3f} core-seconds an image; {shares}"
    target = "≥ 100 images/s, ≤ 0.10 core-seconds an image"
    return Measurement(
        f"files to candidates, {threads} threads", f"{count} images", seconds / count, None, None, target, note
    )
