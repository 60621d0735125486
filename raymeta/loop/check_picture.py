"""Six images of a data set with their labels over them, as one picture: what no list of numbers shows."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from raymeta.config import ExperimentConfig, run_configs
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import Dataset, DatasetError
from raymeta.errors import InputError
from raymeta.local_files import local_path
from raymeta.schemas import IGNORE

NUM_SAMPLES: Final = 6
COLUMNS: Final = 3
PANEL_WIDTH: Final = 320
LINE_HEIGHT: Final = 16


def write_check_picture(config: ExperimentConfig, file: str) -> Path:
    """Write the picture of a config's data set, of many runs the first one's.

    Raises:
        InputError: no image with labels is readable, or the file can't be written.
    """
    first = run_configs(config)[0]
    path = local_path(file)
    content = check_picture(open_dataset(first.dataset, first.seed))
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InputError(f"--picture {file}: can't be written: {error.strerror}: choose another file") from error
    return path


def check_picture(dataset: Dataset) -> bytes:
    """PNG of up to six samples, evenly spaced, half of it labels in class colours, void black, and the colours' names.

    Raises:
        InputError: no image with labels is readable.
    """
    from PIL import Image, ImageDraw

    panels: list[tuple[str, NDArray[np.uint8]]] = []
    for image_id in _evenly(dataset.pool_ids() + dataset.validation_ids()):
        try:
            panels.append((image_id, overlaid(dataset.image(image_id), dataset.label_map(image_id), dataset.palette)))
        except DatasetError:
            continue
        if len(panels) == NUM_SAMPLES:
            break
    if not panels:
        raise InputError("no image with labels is readable: there is nothing to draw")
    heights = [round(panel.shape[0] * PANEL_WIDTH / panel.shape[1]) + LINE_HEIGHT for _, panel in panels]
    row_height, rows = max(heights), -(-len(panels) // COLUMNS)
    names = dataset.class_names
    legend = -(-len(names) // COLUMNS) * LINE_HEIGHT
    sheet = Image.new("RGB", (COLUMNS * PANEL_WIDTH, rows * row_height + legend), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (image_id, panel) in enumerate(panels):
        left, top = index % COLUMNS * PANEL_WIDTH, index // COLUMNS * row_height
        small = Image.fromarray(panel).resize((PANEL_WIDTH, heights[index] - LINE_HEIGHT))
        sheet.paste(small, (left, top + LINE_HEIGHT))
        draw.text((left + 2, top + 2), _drawable(image_id), fill="black")
    for index, name in enumerate(names):
        left, top = index % COLUMNS * PANEL_WIDTH, rows * row_height + index // COLUMNS * LINE_HEIGHT
        draw.rectangle((left + 2, top + 3, left + 12, top + 13), fill=tuple(map(int, dataset.palette[index])))
        draw.text((left + 18, top + 2), _drawable(name), fill="black")
    sink = io.BytesIO()
    sheet.save(sink, format="PNG")
    return sink.getvalue()


def overlaid(image: NDArray[np.uint8], label_map: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image, and each class's colour over it at half strength; void is black.

    image: (H, W, 3) uint8 RGB. label_map: (H, W) uint8 train ids, 255 void. palette: (C, 3) uint8. Returns (H, W, 3).
    """
    colors = np.zeros((256, 3), dtype=np.uint16)
    colors[: len(palette)] = palette
    colors[IGNORE] = 0
    return ((image.astype(np.uint16) + colors[label_map]) // 2).astype(np.uint8)


def _evenly(image_ids: Sequence[str]) -> list[str]:
    """Evenly spaced ids first, then the others, for those that turn out to have no labels."""
    count = min(NUM_SAMPLES, len(image_ids))
    first = [image_ids[index * len(image_ids) // count] for index in range(count)] if count else []
    return [*first, *(image_id for image_id in image_ids if image_id not in set(first))]


def _drawable(text: str) -> str:
    """Pillow's built-in font has no other letters."""
    return text.encode("latin-1", "replace").decode("latin-1")
