"""Settings of the tiny experiment that tests run on Ray, in a service or under a browser, and its generated scenes."""

import os
from pathlib import Path
from typing import Any

from raymeta.datasets.street_scenes import write_street_scenes

SCENES = {"train_images": 14, "validation_images": 3, "height": 64, "width": 96, "seed": 0}
TINY: dict[str, Any] = {
    "seed": 0,
    "iterations": 2,
    "dataset": {"kind": "street_scenes", "scenes": SCENES},
    "acquisition": {
        "strategy": "metabox_plus",
        "box_width": 16,
        "query_size": 20,
        "initial_images": 3,
        "meta_images": 3,
        "clicks_sample_images": 4,
    },
    "network": {"width_multiplier": 0.0625, "batch_norm": True},
    "training": {
        "learning_rate": 0.002,
        "batch_size": 2,
        "max_epochs": 3,
        "steps_per_epoch": 3,
        "threads_per_worker": 1,
    },
    "scoring": {"threads_per_actor": 1},
}


def tiny_values(scenes: Path, run_dir: str) -> dict[str, Any]:
    """Values of the tiny experiment's config on scenes that `write_scenes` made."""
    return TINY | {"run_dir": run_dir, "dataset": TINY["dataset"] | {"root": str(scenes)}}


def write_scenes(root: Path) -> Path:
    write_street_scenes(root, *SCENES.values())
    return root


def child_environment(home: Path) -> dict[str, str]:
    """Of a child: its own HOME, since Ray may write a token there, and no cluster named."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return kept | {"HOME": str(home), "RAY_AUTH_MODE": "disabled", "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
