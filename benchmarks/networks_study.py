"""How good a network is by what is labelled: CamVid, some or all images wholly labelled, a row a training.

`python -m benchmarks.networks_study CAMVID --out FOLDER` trains what isn't in FOLDER/study.jsonl yet, so that it
goes on where it was stopped, and `--table` prints what is there. One row holds network, images, seed, mIoU and
steps of each validation, and seconds.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch

from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.config import ExperimentConfig, load_config
from raymeta.datasets.registry import open_dataset
from raymeta.loop.kept_features import ExampleFeatures, KeptFeatures
from raymeta.networks.freed_memory import keep_freed_memory
from raymeta.networks.registry import build_network
from raymeta.training.network_training import train_network
from raymeta.training.training_set import ExampleCache, LabelledExamples, cache_bytes

BASE = Path(__file__).parents[1] / "configs/camvid_pretrained.yaml"
SIZES = (8, 32, 100, 367)
SEEDS = (0, 1, 2)


def main() -> None:
    """Parse, then train or print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("camvid", help="folder of CamVid")
    parser.add_argument("--out", type=Path, required=True, help="folder of results and kept features")
    parser.add_argument("--config", default=str(BASE), help="config whose network and training are used")
    parser.add_argument("--name", default="efficientnet_lite0", help="what the rows are called")
    parser.add_argument("--images", type=int, nargs="+", default=SIZES, help="numbers of labelled images")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="a choice of images and start weights each")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="as torch names it, default %(default)s")
    parser.add_argument("--table", action="store_true", help="print what is there, train nothing")
    parser.add_argument("overrides", nargs="*", help="key.path=value")
    options = parser.parse_args()
    results = options.out / "study.jsonl"
    if not options.table:
        options.out.mkdir(parents=True, exist_ok=True)
        torch.set_num_threads(options.threads)
        keep_freed_memory()
        overrides = [f"dataset.root={options.camvid}", f"run_dir={options.out}", *options.overrides]
        study(
            load_config(options.config, overrides), options.name, options.images, options.seeds, results, options.device
        )
    print(table(list(rows(results))))


def study(
    config: ExperimentConfig, name: str, sizes: list[int], seeds: list[int], results: Path, device: str = "cpu"
) -> None:
    """Train what is missing, seed by seed, and append its rows."""
    cache = ExampleCache(open_dataset(config.dataset, config.seed), cache_bytes(config.training))
    kept = KeptFeatures.for_run(config, device)
    done = {(row["name"], row["images"], row["seed"]) for row in rows(results)}
    for seed in seeds:
        for images in sizes:
            if (name, images, seed) in done:
                continue
            row = {"name": name, "images": images, "seed": seed} | train(config, cache, kept, images, seed, device)
            with results.open("a") as stream:
                stream.write(json.dumps(row) + "\n")
            print(row, flush=True)


def train(
    config: ExperimentConfig, cache: ExampleCache, kept: KeptFeatures | None, images: int, seed: int, device: str
) -> dict[str, Any]:
    """One training on so many wholly labelled images, drawn by the seed."""
    pool = sorted(cache.dataset.pool_ids())
    chosen = np.random.default_rng([seed, 77]).permutation(pool)[:images].tolist()
    validation = cache.dataset.validation_ids()
    known = KnownLabels(LabelledRegions.from_images(chosen), frozenset(validation))
    examples = LabelledExamples(cache, known, validation)
    network = build_network(config.network, cache.dataset.num_classes, seed).to(device)
    features = None if kept is None else ExampleFeatures(examples, kept.of_network(network))
    start, busy = time.perf_counter(), 0.0
    if features is not None:
        for index in range(examples.num_train):
            features.train_features(index, False)
        for index in range(examples.num_validation):
            features.validation_features(index)
    ready, busy = time.perf_counter(), time.process_time()
    state = train_network(network, examples, config.training, seed, device=device, features=features)
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "trained_parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
        "miou": state.best_miou,
        "steps": [record.steps for record in state.history],
        "mious": [record.validation_miou for record in state.history],
        "seconds": time.perf_counter() - ready,
        "core_seconds": time.process_time() - busy,
        "feature_seconds": ready - start,
    }


def rows(results: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file, if it is there."""
    if results.exists():
        yield from map(json.loads, results.read_text().splitlines())


def table(found: list[dict[str, Any]]) -> str:
    """Markdown: a line a network and number of images."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for row in found:
        groups[row["name"], row["images"]].append(row)
    lines = [
        "| network | parameters (trained) | images | seeds | mIoU % | sd | mIoU % by steps | core-seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (name, images), group in sorted(groups.items()):
        mious = [100 * row["miou"] for row in group]
        spread = f"{stdev(mious):.1f}" if len(mious) > 1 else ""
        first = group[0]
        curve = ", ".join(
            f"{mean(100 * row['mious'][place] for row in group):.1f} @ {steps}"
            for place, steps in enumerate(first["steps"])
        )
        seconds = mean(row["core_seconds"] for row in group)
        lines.append(
            f"| {name} | {first['parameters']:,} ({first['trained_parameters']:,}) | {images} | {len(group)} | "
            f"{mean(mious):.1f} | {spread} | {curve} | {seconds:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
