"""An iteration's query as JSON, GeoJSON or CSV."""

import csv
import io
import json
from typing import Any

from raymeta.service.http.answers import QueryAnswer, QueryRow
from raymeta.service.http.parameters import QueryFormat
from raymeta.service.http.run_reader import IterationTables

COLUMNS = ("image_id", "top", "left", "width", "rank", "score", "estimated_clicks", "unlabelled_pixels")


def render_query(tables: IterationTables, image_id: str | None, query_format: QueryFormat) -> tuple[bytes, str]:
    """Content and media type; image_id: only boxes of this image."""
    rows = tables.query.to_pylist() if image_id is None else tables.query_rows.get(image_id, [])
    if query_format == "csv":
        return _csv(rows), "text/csv; charset=utf-8"
    if query_format == "geojson":
        return json.dumps(_geojson(rows, tables.iteration)).encode(), "application/geo+json"
    boxes = [QueryRow(**{name: row[name] for name in COLUMNS}) for row in rows]
    answer = QueryAnswer(iteration=tables.iteration, total=len(boxes), boxes=boxes)
    return answer.model_dump_json().encode(), "application/json"


def _csv(rows: list[dict[str, Any]]) -> bytes:
    sink = io.StringIO()
    writer = csv.DictWriter(sink, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue().encode()


def _geojson(rows: list[dict[str, Any]], iteration: int) -> dict[str, Any]:
    """Each box as a polygon in pixels, x to the right and y down, half-open corners."""
    return {"type": "FeatureCollection", "iteration": iteration, "features": [_feature(row) for row in rows]}


def _feature(row: dict[str, Any]) -> dict[str, Any]:
    left, top = row["left"], row["top"]
    right, bottom = left + row["width"], top + row["width"]
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {name: row[name] for name in COLUMNS},
    }
