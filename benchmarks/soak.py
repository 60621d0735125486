"""Soak: an experiment that goes on and on, the HTTP service on it, and clients that ask, watched from outside.

    python -m benchmarks.soak --minutes 30 --out build/soak

Each round resumes the run with two iterations more, on one Ray that stays; the service on the same Ray takes each new
iteration up while clients ask it for boxes and maps. Writes OUT/samples.jsonl as it goes and OUT/soak.png at the end;
exits 1 where memory, files, threads, processes or actors grow, or a request fails for good.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx
import ray
import torch
from rich.console import Console

from benchmarks.process_tree import Footprint, footprint
from benchmarks.soak_figure import write_figure
from benchmarks.soak_growth import growth
from raymeta.client import Client, ServiceError
from raymeta.cluster.connection import ray_connection
from raymeta.cluster.experiment import run_experiment
from raymeta.config import ExperimentConfig, parse_config
from raymeta.datasets.registry import open_dataset

SAMPLE_EVERY_S = 5.0
ITERATIONS_PER_ROUND = 2
CLIENTS = 2
PAUSE_S = 0.5
"""Between two requests of a client: the service is to be used all the time, not to take the machine from the loop."""


@dataclass
class Progress:
    """What the loop and the clients have done so far."""

    rounds: int = 0
    requests: int = 0
    failed: list[str] = field(default_factory=list)
    served_iteration: int = -1


def experiment(folder: Path, iterations: int) -> ExperimentConfig:
    """Tiny, with a pool that lasts for hundreds of iterations."""
    return parse_config(
        {
            "run_dir": str(folder / "run"),
            "iterations": iterations,
            "dataset": {
                "kind": "street_scenes",
                "root": str(folder / "scenes"),
                "scenes": {"train_images": 48, "validation_images": 4, "height": 96, "width": 192},
            },
            "acquisition": {
                "strategy": "metabox_plus",
                "box_width": 16,
                "query_size": 8,
                "initial_images": 4,
                "meta_images": 4,
                "clicks_sample_images": 4,
            },
            "network": {"width_multiplier": 0.0625, "batch_norm": True},
            "training": {
                "learning_rate": 2e-3,
                "batch_size": 2,
                "max_epochs": 4,
                "steps_per_epoch": 6,
                "threads_per_worker": 1,
            },
            "scoring": {"threads_per_actor": 1},
        }
    )


def run_round(folder: Path, number: int) -> None:
    """Resume the run with its next iterations: workers start, work and end."""
    with Path(os.devnull).open("w") as nowhere:
        run_experiment(experiment(folder, ITERATIONS_PER_ROUND * (number + 1)), None, Console(file=nowhere))


@contextmanager
def service(folder: Path, address: str) -> Iterator[str]:
    """`raymeta serve` on the run, in its own process on the same Ray; gives its URL once it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "raymeta", "serve", str(folder / "run"), "--address", address]
    with (folder / "service.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--threads", "1"], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process, folder / "service.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return once the service answers that it is ready; RuntimeError with its log if it ends or takes 3 minutes."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            pass  # it doesn't listen yet
        time.sleep(0.5)
    raise RuntimeError(f"the service isn't ready:\n{log.read_text()}")


def ask(stop: threading.Event, url: str, ids: list[str], first: int, progress: Progress) -> None:
    """One client: boxes and maps of pool images, by turns, until told to stop."""
    with Client(url) as client:
        number = first
        while not stop.wait(PAUSE_S):
            image_id = ids[number % len(ids)]
            try:
                if number % 2:
                    progress.served_iteration = client.pool_map(image_id).iteration
                else:
                    progress.served_iteration = client.pool_boxes(image_id).iteration
                progress.requests += 1
            except ServiceError as error:
                progress.failed.append(str(error))
            number += 1


def watch(stop: threading.Event, began: float, out: Path, progress: Progress, samples: list[Footprint]) -> None:
    """Append a sample to OUT/samples.jsonl every few seconds until told to stop."""
    with (out / "samples.jsonl").open("w", buffering=1) as stream:
        while not stop.wait(SAMPLE_EVERY_S):
            taken = footprint(os.getpid())
            samples.append(taken)
            done = {"rounds": progress.rounds, "requests": progress.requests, "failed": len(progress.failed)}
            line = {"seconds": round(time.monotonic() - began, 1), **asdict(taken), **done}
            stream.write(json.dumps(line | {"served_iteration": progress.served_iteration}) + "\n")


@contextmanager
def thread(target: Callable[..., None], *arguments: object) -> Iterator[None]:
    """Run beside the block; its first argument is set when it is to end."""
    stop = threading.Event()
    runner = threading.Thread(target=target, args=(stop, *arguments))
    runner.start()
    try:
        yield
    finally:
        stop.set()
        runner.join()


def soak(minutes: float, folder: Path, out: Path) -> tuple[list[Footprint], Progress]:
    """Rounds until the time is over; the clock starts when loop, service and clients have all begun."""
    progress, samples = Progress(), list[Footprint]()
    with ray_connection("local"), ExitStack() as stack:
        run_round(folder, 0)
        url = stack.enter_context(service(folder, ray.get_runtime_context().gcs_address))
        config = experiment(folder, 1)
        ids = open_dataset(config.dataset, config.seed).pool_ids()
        for client in range(CLIENTS):
            stack.enter_context(thread(ask, url, ids, client, progress))
        run_round(folder, 1)
        began = time.monotonic()
        stack.enter_context(thread(watch, began, out, progress, samples))
        while time.monotonic() - began < 60 * minutes:
            progress.rounds += 1
            run_round(folder, progress.rounds + 1)
            last = samples[-1] if samples else None
            print(f"{time.monotonic() - began:6.0f} s  {progress.rounds} rounds  {progress.requests} requests  {last}")
            sys.stdout.flush()
    return samples, progress


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("build/soak"), help="folder of the samples (%(default)s)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ["RAY_AUTH_MODE"] = "disabled"
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="raymeta-soak-") as folder:
        samples, progress = soak(options.minutes, Path(folder), options.out)
    write_figure(options.out)
    found = growth(samples) + [f"{len(progress.failed)} requests failed: {text}" for text in progress.failed[:1]]
    if progress.served_iteration < ITERATIONS_PER_ROUND * progress.rounds:
        found.append(f"the service stayed at iteration {progress.served_iteration}, {progress.rounds} rounds were run")
    done = f"{progress.rounds} rounds, {progress.requests} requests: nothing grew, none failed"
    print("\n".join(found) or done)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
