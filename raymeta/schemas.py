"""What crosses a boundary between rooms: names and types of table columns, and the ignore label."""

from typing import Final

import pyarrow as pa

IGNORE: Final = 255
"""Label of pixels that are void, unlabelled or outside every evaluated class."""

IMAGE_ID: Final = "image_id"
TOP: Final = "top"
LEFT: Final = "left"
WIDTH: Final = "width"
SCORE: Final = "score"
RANK: Final = "rank"
SPLIT: Final = "split"

SPLIT_INITIAL: Final = "initial"
SPLIT_META: Final = "meta"
SPLIT_POOL: Final = "pool"
SPLIT_VALIDATION: Final = "validation"
SPLIT_TEST: Final = "test"

SEGMENT_ID: Final = "segment_id"
CLASS_ID: Final = "class_id"
SIZE: Final = "size"
SIZE_INNER: Final = "size_inner"
SIZE_BOUNDARY: Final = "size_boundary"
SIZE_RELATIVE: Final = "size_relative"
SIZE_RELATIVE_INNER: Final = "size_relative_inner"
CENTER_ROW: Final = "center_row"
CENTER_COL: Final = "center_col"
IOU: Final = "iou"
DISPERSIONS: Final = ("entropy", "margin")
DISPERSION_SUFFIXES: Final = ("", "_inner", "_boundary", "_relative", "_relative_inner")


def class_probability(class_index: int) -> str:
    """Column name of the mean softmax of one class."""
    return f"class_probability_{class_index}"


def segment_feature_names(num_classes: int) -> list[str]:
    """Columns of the segment table that the meta regressor sees, in order (docs/method.md#segment-metrics)."""
    return [
        CLASS_ID,
        SIZE,
        SIZE_INNER,
        SIZE_BOUNDARY,
        SIZE_RELATIVE,
        SIZE_RELATIVE_INNER,
        *(f"{name}{suffix}" for name in DISPERSIONS for suffix in DISPERSION_SUFFIXES),
        CENTER_ROW,
        CENTER_COL,
        *(class_probability(index) for index in range(num_classes)),
    ]


def segment_schema(num_classes: int, with_target: bool) -> pa.Schema:
    """Schema of a segment table: counts int64, ids int32, everything else float64."""
    integer_types = {CLASS_ID: pa.int32(), SIZE: pa.int64(), SIZE_INNER: pa.int64(), SIZE_BOUNDARY: pa.int64()}
    fields = [(SEGMENT_ID, pa.int32())]
    fields += [(name, integer_types.get(name, pa.float64())) for name in segment_feature_names(num_classes)]
    if with_target:
        fields.append((IOU, pa.float64()))
    return pa.schema(fields)


BOX_SCHEMA: Final = pa.schema([(SCORE, pa.float64()), (TOP, pa.int32()), (LEFT, pa.int32())])
"""Greedy boxes of one image, in rank order."""

CANDIDATE_SCHEMA: Final = pa.schema(
    [(IMAGE_ID, pa.string()), (SCORE, pa.float64()), (TOP, pa.int32()), (LEFT, pa.int32())]
)
"""Boxes of many images with their joint scores."""

ESTIMATED_CLICKS: Final = "estimated_clicks"
QUERY_SCHEMA: Final = pa.schema(
    [
        (IMAGE_ID, pa.string()),
        (TOP, pa.int32()),
        (LEFT, pa.int32()),
        (WIDTH, pa.int32()),
        (SCORE, pa.float64()),
        (RANK, pa.int32()),
        (ESTIMATED_CLICKS, pa.int64()),
        ("unlabelled_pixels", pa.int64()),
    ]
)
"""Boxes of one query, best first; `rank` counts from 1; `estimated_clicks` over the box's unlabelled pixels.

Boxes are in pixels of the images as the network sees them, after `dataset.height` and `dataset.width`.
"""

SEGMENT: Final = "segment"
PREDICTED_CLASS: Final = "predicted_class"
SEGMENT_FIELDS: Final = (pa.field(SEGMENT, pa.binary()), pa.field(PREDICTED_CLASS, pa.int32()))
"""Further columns of query.parquet with acquisition.unit segment: what is asked of each tile, `boxes.pack_mask` of its
(b, b) bool mask, and the class that the network sees there (docs/method.md#one-click-segments)."""

IMAGE_FILE: Final = "image_file"
IMAGE_HEIGHT: Final = "image_height"
IMAGE_WIDTH: Final = "image_width"
FILE_TOP: Final = "file_top"
FILE_LEFT: Final = "file_left"
FILE_BOTTOM: Final = "file_bottom"
FILE_RIGHT: Final = "file_right"
SOURCE_SCHEMA: Final = pa.schema(
    [
        (IMAGE_FILE, pa.string()),
        (IMAGE_HEIGHT, pa.int32()),
        (IMAGE_WIDTH, pa.int32()),
        (FILE_TOP, pa.int32()),
        (FILE_LEFT, pa.int32()),
        (FILE_BOTTOM, pa.int32()),
        (FILE_RIGHT, pa.int32()),
    ]
)
"""Further columns of query.parquet, not in runs before 0.2: the image's file from dataset.root on, its size in pixels,
and the box in pixels of that file, half-open."""

ANNOTATION_SCHEMA: Final = pa.schema(
    [
        (IMAGE_ID, pa.string()),
        (TOP, pa.int32()),
        (LEFT, pa.int32()),
        (WIDTH, pa.int32()),
        (RANK, pa.int32()),
        ("polygon_clicks", pa.int64()),
        ("intersection_clicks", pa.int64()),
        ("box_clicks", pa.int64()),
        ("class_clicks", pa.int64()),
    ]
)
"""True clicks of every queried box, raw (docs/method.md#raw-counts)."""

TRAINING_SCHEMA: Final = pa.schema(
    [
        ("epoch", pa.int32()),
        ("steps", pa.int64()),
        ("learning_rate", pa.float64()),
        ("train_loss", pa.float64()),
        ("validation_miou", pa.float64()),
        ("seconds", pa.float64()),
    ]
)
"""One row an epoch; epochs count from 1."""

POOL_IMAGE_SCHEMA: Final = pa.schema(
    [
        (IMAGE_ID, pa.string()),
        ("error", pa.string()),
        ("segments", pa.int64()),
        ("mean_predicted_iou", pa.float64()),
        ("mean_entropy", pa.float64()),
        ("estimated_clicks", pa.int64()),
        ("unlabelled_pixels", pa.int64()),
        ("best_score", pa.float64()),
        ("candidates", pa.int64()),
        ("seconds_decode", pa.float64()),
        ("seconds_network", pa.float64()),
        ("seconds_score", pa.float64()),
    ]
)
"""One row a pool image and iteration; `error` is null where the image could be scored."""

SPLIT_SCHEMA: Final = pa.schema([(IMAGE_ID, pa.string()), (SPLIT, pa.string())])
"""One row an image: initial (L0), meta (M), pool (U at the start), validation or test."""

WHOLE_IMAGE_CLICKS_SCHEMA: Final = pa.schema(
    [
        (IMAGE_ID, pa.string()),
        ("polygon_clicks", pa.int64()),
        ("class_clicks", pa.int64()),
        ("pixels", pa.int64()),
    ]
)
"""Clicks of every whole image of P, all polygons as annotated (docs/method.md#whole-images), and its pixels."""
