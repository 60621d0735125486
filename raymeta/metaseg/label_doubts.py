"""Labels that a good network contradicts, ranked by segments: errors of annotation rather than of the network.

After Rottmann and Reese, "Automated detection of label errors in semantic segmentation datasets", arXiv:2207.06104.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raymeta.metaseg.segments import find_segments
from raymeta.schemas import IGNORE


@dataclass(frozen=True)
class LabelDoubt:
    """One 8-connected group of pixels with one label where the network sees one other class.

    label, seen: class ids. top, left, height, width: its bounds. pixels: of the group.
    confidence: mean predicted IoU of what the network sees there, in [0, 1].
    extent: share of the label's segment, or of the predicted one where that is more, that the group is: 1 for an object
        that was labelled wrongly or overlooked, small for a border that two people draw differently.
    """

    label: int
    seen: int
    top: int
    left: int
    height: int
    width: int
    pixels: int
    confidence: float
    extent: float

    @property
    def score(self) -> float:
        """Confidence times extent: higher is more doubtful."""
        return self.confidence * self.extent


def label_doubts(
    labels: NDArray[np.uint8], seen: NDArray[np.uint8], confidence: NDArray[np.float32], min_pixels: int = 1
) -> list[LabelDoubt]:
    """Doubts about the labels of one image, the most doubtful first.

    Args:
        labels: (H, W) uint8, 255 where nothing is known.
        seen: (H, W) uint8, the class that the network sees.
        confidence: (H, W) float32, predicted IoU of each pixel's predicted segment.
        min_pixels: smaller groups are left out.
    """
    import cc3d
    from scipy.ndimage import find_objects

    known = labels != IGNORE
    code = np.where(known & (labels != seen), labels.astype(np.uint32) * 256 + seen + 1, 0)
    groups = np.asarray(cc3d.connected_components(code, connectivity=8), dtype=np.int64)
    count = int(groups.max(initial=0))
    pixels = np.bincount(groups.ravel(), minlength=count + 1)
    trust = np.bincount(groups.ravel(), weights=confidence.ravel().astype(np.float64), minlength=count + 1)
    of_label = _segment_pixels(labels)
    of_prediction = _segment_pixels(np.where(known, seen, IGNORE).astype(np.uint8))
    boxes = find_objects(groups)
    found = []
    for group in np.flatnonzero(pixels >= max(min_pixels, 1)).tolist():
        if group == 0:
            continue
        rows, columns = boxes[group - 1]
        row = int(rows.start)
        column = int(columns.start + np.flatnonzero(groups[row, columns] == group)[0])
        smaller = min(int(of_label[row, column]), int(of_prediction[row, column]))
        found.append(
            LabelDoubt(
                label=int(labels[row, column]),
                seen=int(seen[row, column]),
                top=row,
                left=int(columns.start),
                height=int(rows.stop - rows.start),
                width=int(columns.stop - columns.start),
                pixels=int(pixels[group]),
                confidence=float(trust[group] / pixels[group]),
                extent=float(pixels[group] / smaller),
            )
        )
    return sorted(found, key=lambda doubt: (-doubt.score, -doubt.pixels, doubt.top, doubt.left))


def _segment_pixels(label_map: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(H, W) int64, how many pixels the segment of each pixel has; 0 where ignored."""
    segments = find_segments(np.ascontiguousarray(label_map))
    sizes = np.bincount(segments.segment_map.ravel(), minlength=segments.count + 1)
    sizes[0] = 0
    result: NDArray[np.int64] = sizes[segments.segment_map]
    return result
