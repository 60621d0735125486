"""Of each tile the best part of a predicted segment, or superpixel (docs/method.md#one-click-segments)."""

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.argument_checks import whole_number
from raymeta.boxes import check_box_width
from raymeta.compilation import njit
from raymeta.schemas import LEFT, SCORE, SEGMENT_FIELDS, TOP

PIXELS: Final = "pixels"
PART_SCHEMA: Final = pa.schema(
    [(SCORE, pa.float64()), (TOP, pa.int32()), (LEFT, pa.int32()), (PIXELS, pa.int64()), *SEGMENT_FIELDS]
)
"""Parts of one image in rank order. pixels: of the mask."""


def segment_candidates(
    segment_map: NDArray[np.int32],
    label_map: NDArray[np.uint8],
    gain: NDArray[np.float32],
    asked: NDArray[np.bool_],
    *,
    tile_width: int,
    min_pixels: int = 1,
    by_largest: bool = False,
    limit: int | None = None,
    min_score: float = 0.0,
) -> pa.Table:
    """The part with the highest score in each tile of an image, best first.

    Args:
        segment_map: (H, W) int32, of each pixel its segment or superpixel: numbers from 1.
        label_map: (H, W) uint8, the predicted class of each pixel; a part's is that of most of its pixels, the lowest
            at a tie.
        gain: (H, W) float32, what each pixel is worth: multiples of 2⁻²⁴ in [0, 1], so that sums are exact.
        asked: (H, W) bool, pixels that belong to no part: they are labelled, or were asked before.
        tile_width: b, pixels.
        min_pixels: parts of fewer pixels are left out.
        by_largest: a part is worth its largest gain instead of the sum of all.
        limit: at most this many parts.
        min_score: parts that score strictly less are left out, as those that score 0.

    Returns:
        PART_SCHEMA; ties of one tile go to the segment with the lowest number, ties of an image to the lowest top, then
        left.

    Raises:
        ValueError: a tile that doesn't fit into the image, or a number of pixels below 1.
    """
    check_box_width(tile_width, *segment_map.shape)
    min_pixels = whole_number("min_pixels", min_pixels, least=1)
    tops, lefts, numbers, scores, pixels = _best_parts(
        segment_map, gain, asked, tile_width, min_pixels, by_largest, int(segment_map.max(initial=0))
    )
    kept = np.flatnonzero((scores > 0) & (scores >= min_score))
    order = kept[np.lexsort((lefts[kept], tops[kept], -scores[kept]))][:limit]
    tops, lefts, numbers, scores, pixels = (each[order] for each in (tops, lefts, numbers, scores, pixels))
    masks = np.zeros((len(order), tile_width, tile_width), np.bool_)
    classes = _paint_masks(segment_map, label_map, asked, tops, lefts, numbers, masks)
    packed = np.packbits(masks.reshape(len(order), tile_width**2), axis=1)
    columns = [scores, tops, lefts, pixels, pa.array([row.tobytes() for row in packed], pa.binary()), classes]
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, PART_SCHEMA, strict=True)], schema=PART_SCHEMA
    )


@njit(cache=True, nogil=True)
def _best_parts(segment_map, gain, asked, b, min_pixels, by_largest, count):  # type: ignore[no-untyped-def]
    """Tops, lefts, segments, scores and pixels of the best part of each tile; score -1 where there is none.

    Where the last tile of a side reaches back over the one before, the pixels that both hold are the earlier one's.
    """
    height, width = segment_map.shape
    rows, cols = (height + b - 1) // b, (width + b - 1) // b
    tops, lefts = np.empty(rows * cols, np.int32), np.empty(rows * cols, np.int32)
    numbers, pixels = np.zeros(rows * cols, np.int32), np.zeros(rows * cols, np.int64)
    scores = np.full(rows * cols, -1.0)
    sums, sizes = np.zeros(count + 1, np.float64), np.zeros(count + 1, np.int64)
    seen = np.empty(b * b, np.int32)
    for tile in range(rows * cols):
        first_row, first_col = tile // cols * b, tile % cols * b
        tops[tile], lefts[tile] = min(first_row, height - b), min(first_col, width - b)
        found = 0
        for y in range(first_row, min(first_row + b, height)):
            for x in range(first_col, min(first_col + b, width)):
                if asked[y, x]:
                    continue
                k = segment_map[y, x]
                if sizes[k] == 0:
                    seen[found] = k
                    found += 1
                sizes[k] += 1
                sums[k] = max(sums[k], gain[y, x]) if by_largest else sums[k] + gain[y, x]
        for place in range(found):
            k = seen[place]
            better = sums[k] > scores[tile] or (sums[k] == scores[tile] and k < numbers[tile])
            if sizes[k] >= min_pixels and better and k > 0:
                numbers[tile], scores[tile], pixels[tile] = k, sums[k], sizes[k]
            sums[k], sizes[k] = 0.0, 0
    return tops, lefts, numbers, scores, pixels


@njit(cache=True, nogil=True)
def _paint_masks(segment_map, label_map, asked, tops, lefts, numbers, masks):  # type: ignore[no-untyped-def]
    """Fill `masks` (n, b, b) with the pixels of the parts; returns their classes, (n,) int32."""
    b = masks.shape[1]
    classes = np.empty(len(tops), np.int32)
    for part in range(len(tops)):
        counts = np.zeros(256, np.int64)
        top, left = tops[part], lefts[part]
        # A tile that reaches back over the one before begins within its own multiple of b.
        first_row, first_col = -(-top // b) * b, -(-left // b) * b
        for y in range(first_row, top + b):
            for x in range(first_col, left + b):
                if segment_map[y, x] == numbers[part] and not asked[y, x]:
                    masks[part, y - top, x - left] = True
                    counts[label_map[y, x]] += 1
        classes[part] = counts.argmax()
    return classes
