"""A query as CSV and GeoJSON, for other programs."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, Final

COLUMNS: Final = ("image_id", "top", "left", "width", "rank", "score", "estimated_clicks", "unlabelled_pixels")


def query_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """Rows of QUERY_SCHEMA as CSV, a header first."""
    sink = io.StringIO()
    writer = csv.DictWriter(sink, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue().encode()


def query_geojson(rows: Sequence[dict[str, Any]], iteration: int) -> bytes:
    """Each box as a polygon in pixels, x to the right and y down, half-open corners."""
    features = [_feature(row) for row in rows]
    return json.dumps({"type": "FeatureCollection", "iteration": iteration, "features": features}).encode()


def _feature(row: dict[str, Any]) -> dict[str, Any]:
    left, top = row["left"], row["top"]
    right, bottom = left + row["width"], top + row["width"]
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {name: row[name] for name in COLUMNS},
    }
