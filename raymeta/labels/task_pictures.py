"""What people see of a task: pixels of the stored image."""

import numpy as np
from numpy.typing import NDArray

from raymeta.config import DatasetConfig
from raymeta.datasets.registry import open_dataset
from raymeta.labels.task_sets import Task


class TaskPictures:
    """Pictures in the size in which they are stored, where the data set scales both sides alike, else in its own.

    Args:
        config: of the data set.
        seed: of the run.
    """

    def __init__(self, config: DatasetConfig, seed: int) -> None:
        self.dataset = open_dataset(config, seed)
        stored = config.model_copy(update={"height": None, "width": None, "max_side": None})
        self._stored = open_dataset(stored, seed)

    def scale(self, task: Task) -> float:
        """Pixels of the data set for each pixel of the picture."""
        return self.dataset.size(task.image_id)[0] / self.size(task.image_id)[0]

    def size(self, image_id: str) -> tuple[int, int]:
        """(height, width) of the picture of a whole image."""
        return (self._stored if self._alike(image_id) else self.dataset).size(image_id)

    def read(self, image_id: str) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        return (self._stored if self._alike(image_id) else self.dataset).image(image_id)

    def _alike(self, image_id: str) -> bool:
        height, width = self.dataset.size(image_id)
        stored_height, stored_width = self._stored.size(image_id)
        return height * stored_width == width * stored_height
