"""Small finished runs with made-up figures, written through the store."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from raymeta.config import ExperimentConfig, parse_config
from raymeta.experiment.run_store import RunStore
from raymeta.schemas import ANNOTATION_SCHEMA, POOL_IMAGE_SCHEMA, QUERY_SCHEMA, TRAINING_SCHEMA


def make_config(run_dir: str | Path, strategy: str = "metabox_plus", seed: int = 0, **top: Any) -> ExperimentConfig:
    """Config whose data set is nowhere."""
    values: dict[str, Any] = {
        "run_dir": str(run_dir),
        "seed": seed,
        "dataset": {"kind": "camvid", "root": "/nowhere/camvid"},
        "acquisition": {"strategy": strategy, "box_width": 4, "query_size": 2, "initial_images": 1, "meta_images": 1},
    }
    return parse_config(values | top)


def make_summary(config: ExperimentConfig, index: int, miou: float, cost: float, classes: int = 11) -> dict[str, Any]:
    """A summary as the last stage writes it."""
    meta = 1.5 if config.acquisition.strategy.startswith("metabox") else 0.0
    names = {"cost_a": cost, "cost_b": 0.95 * cost, "cost_p": 0.6 * cost}
    class_iou = [
        None if c == classes - 1 else min(1.0, miou * 2 * (classes - c) / (classes + 1)) for c in range(classes)
    ]
    return {
        "iteration": index,
        "strategy": config.acquisition.strategy,
        "seed": config.seed,
        "miou": miou,
        "class_iou": class_iou,
        **{name: value + meta for name, value in names.items()},
        **{f"{name}_without_meta": value for name, value in names.items()},
        "labelled_share": 0.55 * cost,
        "boxes": 2 * index,
        "query_boxes": 2,
        "r2": 0.5 + 0.03 * index if meta else None,
        "epochs": 8,
        "best_epoch": 6,
        "clicks": {"polygon": 120 * index, "class": 30 * index},
        "seconds": {"train": 12.5, "score": 4.25},
        "failed_images": {},
    }


def write_iteration(store: RunStore, config: ExperimentConfig, index: int, miou: float, cost: float) -> None:
    """Commit all stages of one iteration."""
    folder = store.iteration(index)
    epochs = range(1, 9)
    rows = [
        {
            "epoch": epoch,
            "steps": 16 * epoch,
            "learning_rate": 1e-3,
            "train_loss": 2.0 / (epoch + index),
            "validation_miou": miou * (1 - np.exp(-epoch / 3)),
            "seconds": 1.5,
        }
        for epoch in epochs
    ]
    folder.write_table("training.parquet", pa.Table.from_pylist(rows, schema=TRAINING_SCHEMA))
    folder.write_bytes("network.pt", b"weights of %d" % index)
    folder.commit("train", ["training.parquet", "network.pt"], 12.5)
    folder.write_json("fit.json", {"r2": None})
    folder.commit("fit", ["fit.json"], 0.1)
    folder.write_table("images.parquet", POOL_IMAGE_SCHEMA.empty_table())
    folder.write_table("query.parquet", QUERY_SCHEMA.empty_table())
    folder.commit("score", ["images.parquet", "query.parquet"], 4.25)
    folder.write_table("annotation.parquet", ANNOTATION_SCHEMA.empty_table())
    folder.commit("annotate", ["annotation.parquet"], 0.5)
    folder.write_json("summary.json", make_summary(config, index, miou, cost))
    folder.commit("summary", ["summary.json"])


def write_run(
    run_dir: Path, strategy: str, seed: int = 0, iterations: int = 5, final: float = 0.56, **top: Any
) -> RunStore:
    """A finished run whose mIoU rises towards `final`."""
    config = make_config(run_dir, strategy, seed, iterations=iterations, **top)
    store = RunStore(str(run_dir))
    store.create(config)
    noise = np.random.default_rng(seed).normal(0, 0.012, iterations)
    for index in range(iterations):
        miou = float(final * (1 - 0.55 * np.exp(-index)) + noise[index])
        write_iteration(store, config, index, miou, 2.0 + 6.0 * index + 0.3 * seed)
    return store
