"""A query as CSV and GeoJSON, for other programs."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, Final

COLUMNS: Final = ("image_id", "top", "left", "width", "rank", "score", "estimated_clicks", "unlabelled_pixels")


SOURCE_COLUMNS: Final = (
    "image_file",
    "image_height",
    "image_width",
    "file_top",
    "file_left",
    "file_bottom",
    "file_right",
)
"""Of SOURCE_SCHEMA: runs before 0.2 don't have them."""


def present_columns(rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Columns of the rows, in their order."""
    return (*COLUMNS, *(name for name in SOURCE_COLUMNS if rows and name in rows[0]))


def query_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """Rows of QUERY_SCHEMA, and of SOURCE_SCHEMA where they are known, as CSV, a header first."""
    sink = io.StringIO()
    writer = csv.DictWriter(sink, present_columns(rows), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue().encode()


def query_geojson(rows: Sequence[dict[str, Any]], iteration: int) -> bytes:
    """Each box as a polygon in pixels of the network's images, x to the right and y down, half-open corners.

    Where it lies in the image's file stands in its properties.
    """
    names = present_columns(rows)
    features = [_feature(row, names) for row in rows]
    return json.dumps({"type": "FeatureCollection", "iteration": iteration, "features": features}).encode()


def _feature(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    left, top = row["left"], row["top"]
    right, bottom = left + row["width"], top + row["width"]
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {name: row[name] for name in names},
    }
