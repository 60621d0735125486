"""Load of a running service against the same work in this process: `python benchmarks/service_load.py --help`.

Every request carries another image, so that no cache helps; answers are compared with the in-process maps.
"""

import argparse
import json
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from raymeta.acquisition.pool_scoring import score_image
from raymeta.client import Client, MapName
from raymeta.datasets.image_files import decode_image
from raymeta.datasets.registry import open_existing
from raymeta.loop.image_scorer import ImageScorer
from raymeta.loop.iteration_bundle import read_bundle
from raymeta.runs.run_store import RunStore
from raymeta.service.scoring.rendering import rgb_png


@dataclass
class Measured:
    """Seconds of each request that was answered; errors of those that weren't."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    wall: float = 0.0

    def report(self) -> dict[str, float | int]:
        ordered = sorted(self.seconds)
        return {
            "requests": len(ordered),
            "errors": len(self.errors),
            "p50_ms": round(1000 * statistics.median(ordered), 1),
            "p95_ms": round(1000 * ordered[int(0.95 * (len(ordered) - 1))], 1),
            "per_second": round(len(ordered) / self.wall, 2),
        }


class InProcess:
    """Decode, network and `score_image` as a caller of the library would do them."""

    def __init__(self, run: str, iteration: int | None, threads: int) -> None:
        torch.set_num_threads(threads)
        cv2.setNumThreads(1)
        store = RunStore(run)
        config = store.load_config()
        number = store.iterations()[-1] if iteration is None else iteration
        dataset = open_existing(config.dataset, config.seed)
        self.scorer = ImageScorer(config, dataset, read_bundle(store, number), torch.device("cpu"))

    def maps(self, encoded: bytes) -> dict[str, NDArray[np.float32]]:
        """What the service is asked for: all maps of one image."""
        acquisition = self.scorer.config.acquisition
        score = score_image(
            self.scorer.softmax(decode_image(encoded, "image")),
            strategy=acquisition.strategy,
            box_width=acquisition.box_width,
            seed=self.scorer.config.seed,
            iteration=self.scorer.bundle.iteration,
            image_id="upload",
            regressor=self.scorer.regressor,
            epsilon=acquisition.epsilon,
            clicks_priority=acquisition.clicks_priority,
            clicks_max=self.scorer.bundle.clicks_max,
            query_size=1,
            keep_maps=True,
        )
        return score.maps or {}


def vary(encoded: bytes, number: int) -> bytes:
    """The same PNG with other bytes after its end: the same work, but no cache knows it."""
    return encoded + number.to_bytes(8, "big")


def measure(work: Callable[[int], None], clients: int, seconds: float) -> Measured:
    """Call `work` with ever new numbers from `clients` threads for a while."""
    measured, lock = Measured(), threading.Lock()
    began = time.perf_counter()
    numbers = iter(range(10**9))

    def repeat() -> None:
        while time.perf_counter() - began < seconds:
            with lock:
                number = next(numbers)
            start = time.perf_counter()
            try:
                work(number)
            except Exception as error:  # every kind counts as a failed request
                with lock:
                    measured.errors.append(f"{type(error).__name__}: {error}")
                continue
            with lock:
                measured.seconds.append(time.perf_counter() - start)

    threads = [threading.Thread(target=repeat) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    measured.wall = time.perf_counter() - began
    return measured


def check_equal(client: Client, local: InProcess, encoded: bytes) -> dict[str, float]:
    """Largest difference of each map between the service and this process."""
    expected = local.maps(encoded)
    names: tuple[MapName, ...] = ("joint", "metaseg", "clicks", "entropy", "predicted_iou", "segmentation")
    return {
        name: float(np.abs(client.priority_map(encoded, map=name).values - expected[name].astype(np.float32)).max())
        for name in names
        if name in expected
    }


def read_images(folder: Path, height: int, width: int) -> list[bytes]:
    """Up to 64 images of a folder at the size asked for, as PNG."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg"))[-64:]
    decoded = [decode_image(path.read_bytes(), str(path)) for path in paths]
    return [rgb_png(np.asarray(cv2.resize(image, (width, height)), dtype=np.uint8)) for image in decoded]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line of JSON a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("images", type=Path, help="folder with PNG or JPEG images")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--height", type=int, default=360)
    parser.add_argument("--width", type=int, default=480)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=2, help="of the in-process work")
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 4])
    parser.add_argument("--map", default="joint")
    options = parser.parse_args(arguments)

    pool = read_images(options.images, options.height, options.width)
    local = InProcess(options.run, None, options.threads)
    with Client(options.url) as client:
        print(json.dumps({"largest difference": check_equal(client, local, pool[0])}), flush=True)

    def in_process(number: int) -> None:
        local.maps(pool[number % len(pool)])

    def served(number: int) -> None:
        client.drawn_map(vary(pool[number % len(pool)], number), map=options.map)

    in_process(0)
    print(json.dumps({"in-process": measure(in_process, 1, options.seconds / 3).report()}), flush=True)
    for clients in options.clients:
        with Client(options.url) as client:
            served(10**8)
            measured = measure(served, clients, options.seconds)
            print(
                json.dumps({f"{clients} clients": measured.report(), "first errors": measured.errors[:3]}), flush=True
            )


if __name__ == "__main__":
    main()
