"""A whole pool on one scorer: files in, candidates out; shares of the stages, overlap, memory, bytes that leave."""

import io
import pickle
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.measurement import Measurement, rss_mib
from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.config import ExperimentConfig, parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import Dataset
from raymeta.loop.image_pipeline import ImagePipeline
from raymeta.loop.image_scorer import Bundle, ImageScorer, Softmax, Timed
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.networks.freed_memory import keep_freed_memory
from raymeta.networks.registry import build_network

SIZE, QUICK_SIZE = (1024, 2048), (64, 96)
FILES, QUICK_FILES = 12, 4
MEMORY_IMAGES = 300


def measure_pool(quick: bool) -> list[Measurement]:
    """Generated street scenes in the Cityscapes layout; a small network, so that the rest shows."""
    keep_freed_memory()  # as scoring actors do
    height, width = QUICK_SIZE if quick else SIZE
    files = QUICK_FILES if quick else FILES
    with tempfile.TemporaryDirectory() as folder:
        config = _config(Path(folder) / "scenes", files, height, width)
        dataset = open_dataset(config.dataset, 0)
        scorer = _scorer(config, dataset)
        size = f"{files} images {height}×{width}"
        serial, shares, leaving = _one_by_one(scorer, dataset.pool_ids())
        overlapped = _overlapped(scorer, dataset.pool_ids())
        rows = [
            Measurement("pool, one image after the other", size, serial, note=shares),
            Measurement("pool, stages overlap", size, overlapped, overlapped / serial, note="ratio to the row above"),
            Measurement("bytes of an image that leave", size, 0.0, None, leaving / (1 << 20), "< 1 MB", "peak column"),
        ]
        return [*rows, _memory(scorer, dataset, 8 if quick else MEMORY_IMAGES)]


def _config(root: Path, files: int, height: int, width: int) -> ExperimentConfig:
    return parse_config(
        {
            "run_dir": "unused",
            "dataset": {
                "kind": "street_scenes",
                "root": str(root),
                "scenes": {"train_images": files, "validation_images": 1, "height": height, "width": width, "seed": 0},
            },
            "acquisition": {"strategy": "metabox_plus", "box_width": min(128, height // 4), "query_size": 6400},
            "network": {"width_multiplier": 0.0625, "batch_norm": True},
        }
    )


def _scorer(config: ExperimentConfig, dataset: Dataset) -> ImageScorer:
    """A scorer with an untrained network, and a meta regressor fitted on two of its images."""
    buffer = io.BytesIO()
    torch.save(build_network(config.network, dataset.num_classes, 0).state_dict(), buffer)
    known = KnownLabels(reference=frozenset(dataset.pool_ids()))
    bundle = Bundle("bench", 0, buffer.getvalue(), None, LabelledRegions(), 100, known)
    plain = ImageScorer(config, dataset, bundle, torch.device("cpu"))
    table = plain.meta_segments(dataset.pool_ids()[0])
    regressor = MetaRegressor().fit(table, [str(row % 3) for row in range(table.num_rows)])
    bundle = Bundle("bench", 0, buffer.getvalue(), regressor.to_bytes(), LabelledRegions(), 100)
    return ImageScorer(config, dataset, bundle, torch.device("cpu"))


def _work(scorer: ImageScorer) -> Callable[[str, Softmax, Timed], tuple[Any, Timed, float]]:
    def work(image_id: str, softmax: Softmax, timed: Timed) -> tuple[Any, Timed, float]:
        start = time.perf_counter()
        score = scorer.score_softmax(softmax, image_id)
        return score, timed, time.perf_counter() - start

    return work


def _one_by_one(scorer: ImageScorer, image_ids: list[str]) -> tuple[float, str, int]:
    """Seconds, the shares of the stages as text, and the most bytes that an image sends away."""
    work = _work(scorer)
    work(image_ids[0], *scorer.read_softmax(image_ids[0]))
    start = time.perf_counter()
    done = [work(image_id, *scorer.read_softmax(image_id)) for image_id in image_ids]
    seconds = time.perf_counter() - start
    parts = {
        "decode": sum(timed.decode for _, timed, _ in done),
        "network": sum(timed.network for _, timed, _ in done),
        "post-processing": sum(score_seconds for *_, score_seconds in done),
    }
    shares = ", ".join(f"{name} {100 * part / seconds:.0f} %" for name, part in parts.items())
    leaving = max(score.candidates.nbytes + len(pickle.dumps(score.statistics)) for score, *_ in done)
    return seconds, shares, leaving


def _overlapped(scorer: ImageScorer, image_ids: list[str]) -> float:
    pipeline = ImagePipeline(1)
    try:
        start = time.perf_counter()
        outcomes = list(pipeline.run(image_ids, scorer.dataset.image, scorer.softmax, _work(scorer)))
        seconds = time.perf_counter() - start
    finally:
        pipeline.close()
    assert all(outcome.error is None for outcome in outcomes)
    return seconds


def _memory(scorer: ImageScorer, dataset: Dataset, images: int) -> Measurement:
    """Resident memory while the files are scored again and again; the first tenth warms up."""
    ids = [dataset.pool_ids()[index % len(dataset.pool_ids())] for index in range(images)]
    pipeline = ImagePipeline(1)
    resident: list[float] = []
    start = time.perf_counter()
    try:
        resident.extend(rss_mib() for _ in pipeline.run(ids, dataset.image, scorer.softmax, _work(scorer)))
    finally:
        pipeline.close()
    warm = resident[max(1, images // 10) :]
    first, last = warm[: len(warm) // 2], warm[len(warm) // 2 :]
    note = f"resident at most {max(first):.0f} MiB in the first half, {max(last):.0f} MiB in the second"
    return Measurement("memory of scoring", f"{images} images", time.perf_counter() - start, None, None, "flat", note)
