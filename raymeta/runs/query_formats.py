"""A query as CSV and GeoJSON, for other programs."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from raymeta.boxes import unpack_mask
from raymeta.exchange.outlines import find_outlines
from raymeta.schemas import PREDICTED_CLASS, SEGMENT

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
SEGMENT_COLUMNS: Final = (PREDICTED_CLASS,)
"""Of SEGMENT_FIELDS, in queries of one-click segments: what a line of text can hold."""


def present_columns(rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Columns of the rows, in their order."""
    return (*COLUMNS, *(name for name in (*SOURCE_COLUMNS, *SEGMENT_COLUMNS) if rows and name in rows[0]))


def query_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """Rows of QUERY_SCHEMA, and of SOURCE_SCHEMA where they are known, as CSV, a header first."""
    sink = io.StringIO()
    writer = csv.DictWriter(sink, present_columns(rows), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue().encode()


def query_geojson(rows: Sequence[dict[str, Any]], iteration: int) -> bytes:
    """Each box as a polygon in pixels of the network's images, x to the right and y down, half-open corners.

    Where it lies in the image's file stands in its properties. Of a one-click segment the part's outlines along the
    edges of pixels take the place of the box.
    """
    names = present_columns(rows)
    features = [_feature(row, names) for row in rows]
    return json.dumps({"type": "FeatureCollection", "iteration": iteration, "features": features}).encode()


def _feature(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": _box_polygon(row) if row.get(SEGMENT) is None else _part_polygons(row),
        "properties": {name: row[name] for name in names},
    }


def _box_polygon(row: dict[str, Any]) -> dict[str, Any]:
    left, top = row["left"], row["top"]
    right, bottom = left + row["width"], top + row["width"]
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    return {"type": "Polygon", "coordinates": [ring]}


def _part_polygons(row: dict[str, Any]) -> dict[str, Any]:
    """A polygon for each 4-connected piece of a segment's part, with its holes."""
    mask, corner = unpack_mask(row[SEGMENT], row["width"]), np.array([row["left"], row["top"]])
    polygons = []
    for outline in find_outlines(mask.astype(np.uint8), ignored=0):
        rings = [(ring + corner).astype(int).tolist() for ring in outline.rings]
        polygons.append([[*ring, ring[0]] for ring in rings])
    return {"type": "MultiPolygon", "coordinates": polygons}
