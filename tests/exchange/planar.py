"""Random planar partitions, and a manifest for pictures of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = [
    {"id": number, "name": name, "color": color}
    for number, (name, color) in enumerate(
        [("road", "#804080"), ("wet road & <rails>", "#804080"), ("ciel été", "#000000"), ("car", "#00008e")]
    )
]
NAMES = {entry["id"]: entry["name"] for entry in CLASSES}


def random_partition(rng: np.random.Generator, height: int, width: int, holes: bool = True) -> NDArray[np.uint8]:
    """(H, W) uint8 classes 0..3; coarse blocks, stripes, single pixels, and 255 in some places."""
    side = int(rng.integers(1, 9))
    blocks = rng.integers(0, 4, (height // side + 1, width // side + 1)).astype(np.uint8)
    label_map = np.kron(blocks, np.ones((side, side), np.uint8))[:height, :width]
    label_map[rng.random((height, width)) < rng.choice([0.0, 0.02, 0.3])] = rng.integers(0, 4)
    if holes:
        label_map[rng.random((height, width)) < rng.choice([0.0, 0.05])] = 255
        top, left = rng.integers(0, height), rng.integers(0, width)
        label_map[top : top + 5, left : left + 5] = 255
    return np.ascontiguousarray(label_map)


def task_entry(task_id: str, height: int, width: int, **more: Any) -> dict[str, Any]:
    """A task whose picture is the whole image."""
    crop = {"top": 0, "left": 0, "height": height, "width": width}
    return {"id": task_id, "image_id": f"image {task_id}", "box": None, "crop": crop, **more}


def manifest_of(tasks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"format": "raymeta-tasks-1", "run": "r", "classes": CLASSES, "tasks": tasks}
