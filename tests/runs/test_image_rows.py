"""Rows of images.parquet: their fields are its columns."""

from dataclasses import fields

from raymeta.runs.image_rows import ImageRow, image_table
from raymeta.schemas import POOL_IMAGE_SCHEMA


def test_its_fields_are_the_columns():
    assert [field.name for field in fields(ImageRow)] == POOL_IMAGE_SCHEMA.names


def test_what_a_scorer_says_beyond_is_not_kept():
    scored = {"image_id": "a", "error": None, "segments": 3, "best_score": 0.5, "candidates_stream": b"x", "sent": 1}
    table = image_table([ImageRow.of(scored), ImageRow("b", error="damaged")])
    assert table.schema == POOL_IMAGE_SCHEMA
    assert table.to_pylist()[0]["segments"] == 3
    failed = dict.fromkeys(POOL_IMAGE_SCHEMA.names) | {"image_id": "b", "error": "damaged"}
    assert table.to_pylist()[1] == failed
