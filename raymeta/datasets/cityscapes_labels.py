"""The label table of Cityscapes: names, ids in its files, train ids and colours."""

from typing import NamedTuple

from raymeta.datasets.sample import IGNORED


class CityscapesLabel(NamedTuple):
    """One label; train_id 255: not evaluated."""

    name: str
    label_id: int
    train_id: int
    color: tuple[int, int, int]


CITYSCAPES_LABELS: tuple[CityscapesLabel, ...] = (
    CityscapesLabel("unlabeled", 0, IGNORED, (0, 0, 0)),
    CityscapesLabel("ego vehicle", 1, IGNORED, (0, 0, 0)),
    CityscapesLabel("rectification border", 2, IGNORED, (0, 0, 0)),
    CityscapesLabel("out of roi", 3, IGNORED, (0, 0, 0)),
    CityscapesLabel("static", 4, IGNORED, (0, 0, 0)),
    CityscapesLabel("dynamic", 5, IGNORED, (111, 74, 0)),
    CityscapesLabel("ground", 6, IGNORED, (81, 0, 81)),
    CityscapesLabel("road", 7, 0, (128, 64, 128)),
    CityscapesLabel("sidewalk", 8, 1, (244, 35, 232)),
    CityscapesLabel("parking", 9, IGNORED, (250, 170, 160)),
    CityscapesLabel("rail track", 10, IGNORED, (230, 150, 140)),
    CityscapesLabel("building", 11, 2, (70, 70, 70)),
    CityscapesLabel("wall", 12, 3, (102, 102, 156)),
    CityscapesLabel("fence", 13, 4, (190, 153, 153)),
    CityscapesLabel("guard rail", 14, IGNORED, (180, 165, 180)),
    CityscapesLabel("bridge", 15, IGNORED, (150, 100, 100)),
    CityscapesLabel("tunnel", 16, IGNORED, (150, 120, 90)),
    CityscapesLabel("pole", 17, 5, (153, 153, 153)),
    CityscapesLabel("polegroup", 18, IGNORED, (153, 153, 153)),
    CityscapesLabel("traffic light", 19, 6, (250, 170, 30)),
    CityscapesLabel("traffic sign", 20, 7, (220, 220, 0)),
    CityscapesLabel("vegetation", 21, 8, (107, 142, 35)),
    CityscapesLabel("terrain", 22, 9, (152, 251, 152)),
    CityscapesLabel("sky", 23, 10, (70, 130, 180)),
    CityscapesLabel("person", 24, 11, (220, 20, 60)),
    CityscapesLabel("rider", 25, 12, (255, 0, 0)),
    CityscapesLabel("car", 26, 13, (0, 0, 142)),
    CityscapesLabel("truck", 27, 14, (0, 0, 70)),
    CityscapesLabel("bus", 28, 15, (0, 60, 100)),
    CityscapesLabel("caravan", 29, IGNORED, (0, 0, 90)),
    CityscapesLabel("trailer", 30, IGNORED, (0, 0, 110)),
    CityscapesLabel("train", 31, 16, (0, 80, 100)),
    CityscapesLabel("motorcycle", 32, 17, (0, 0, 230)),
    CityscapesLabel("bicycle", 33, 18, (119, 11, 32)),
    CityscapesLabel("license plate", -1, IGNORED, (0, 0, 142)),
)

EVALUATED_LABELS = tuple(
    sorted((label for label in CITYSCAPES_LABELS if label.train_id != IGNORED), key=lambda label: label.train_id)
)
"""The 19 evaluated labels in the order of their train ids."""

LABEL_BY_NAME = {label.name: label for label in CITYSCAPES_LABELS}

FRAME_LABELS = frozenset({"ego vehicle", "out of roi", "rectification border"})
"""Labels that describe the frame of the image, not the scene: nobody clicks them."""


def label_of(name: str) -> CityscapesLabel | None:
    """The label of an annotated object: `cargroup` is a `car`; None for an unknown name."""
    # `polegroup` is in the table by itself, yet it counts as a pole like every other group.
    return LABEL_BY_NAME.get(name.removesuffix("group")) or LABEL_BY_NAME.get(name)
