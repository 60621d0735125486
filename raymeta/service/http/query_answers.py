"""An iteration's query as JSON, GeoJSON or CSV."""

from raymeta.runs.query_formats import present_columns, query_csv, query_geojson
from raymeta.service.http.answers import QueryAnswer, QueryRow
from raymeta.service.http.parameters import QueryFormat
from raymeta.service.http.run_reader import IterationTables


def render_query(tables: IterationTables, image_id: str | None, query_format: QueryFormat) -> tuple[bytes, str]:
    """Content and media type; image_id: only boxes of this image."""
    rows = tables.query.to_pylist() if image_id is None else tables.query_rows.get(image_id, [])
    if query_format == "csv":
        return query_csv(rows), "text/csv; charset=utf-8"
    if query_format == "geojson":
        return query_geojson(rows, tables.iteration), "application/geo+json"
    names = present_columns(rows)
    boxes = [QueryRow(**{name: row[name] for name in names}) for row in rows]
    answer = QueryAnswer(iteration=tables.iteration, total=len(boxes), boxes=boxes)
    return answer.model_dump_json().encode(), "application/json"
