"""The segments of one image as JSON values: class, metrics, predicted IoU, polygon."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.metaseg.segments import Segments
from raymeta.schemas import CLASS_ID, SEGMENT_ID, SIZE
from raymeta.service.scoring.segment_polygons import segment_polygons


def segment_rows(
    segments: Segments,
    table: pa.Table,
    predicted_iou: NDArray[np.float64] | None,
    class_names: Sequence[str],
    limit: int,
    min_size: int,
) -> list[dict[str, Any]]:
    """The `limit` largest segments of at least `min_size` pixels, in the order of their ids.

    table: `segment_schema` without target, row k-1 is segment k. predicted_iou: (S,), or None without regressor.
    """
    sizes = table[SIZE].to_numpy()
    largest = np.argsort(-sizes, kind="stable")[:limit]
    chosen = np.sort(largest[sizes[largest] >= min_size])
    polygons = segment_polygons(segments.segment_map, [int(row) + 1 for row in chosen])
    metrics = table.drop_columns([SEGMENT_ID, CLASS_ID]).take(pa.array(chosen)).to_pylist()
    class_ids = segments.class_ids[chosen].tolist()
    return [
        {
            "segment_id": int(row) + 1,
            "class_id": class_id,
            "class_name": class_names[class_id],
            "predicted_iou": None if predicted_iou is None else float(predicted_iou[row]),
            **values,
            "polygon": polygon,
        }
        for row, class_id, values, polygon in zip(chosen, class_ids, metrics, polygons, strict=True)
    ]
