"""Boxes of resized images lie at the right pixels of the images' files."""

import csv
import io
import json
from fractions import Fraction
from math import ceil

import numpy as np
import pyarrow as pa
from dataset_layouts import write_camvid
from hypothesis import given
from hypothesis import strategies as st

from raymeta.boxes import pack_mask
from raymeta.config import DatasetConfig
from raymeta.datasets.registry import open_dataset
from raymeta.runs.query_formats import COLUMNS, query_csv, query_geojson
from raymeta.runs.query_sources import file_pixel, with_sources
from raymeta.schemas import QUERY_SCHEMA, SOURCE_SCHEMA

REST = {"score": 1.0, "estimated_clicks": 3, "unlabelled_pixels": 16}


def query(*boxes):
    rows = [
        {"image_id": image_id, "top": top, "left": left, "width": 4, "rank": rank, **REST}
        for rank, (image_id, top, left) in enumerate(boxes, start=1)
    ]
    return pa.Table.from_pylist(rows, schema=QUERY_SCHEMA)


@given(st.integers(1, 60), st.integers(1, 200), st.data())
def test_edges_equal_the_exact_rule_and_neighbours_touch(side, file_side, data):
    edges = [file_pixel(edge, side, file_side) for edge in range(side + 1)]
    assert edges[0] == 0
    assert edges[-1] == file_side
    assert edges == sorted(edges)
    edge = data.draw(st.integers(0, side))
    assert edges[edge] == ceil(Fraction(edge * file_side, side) - Fraction(1, 2))
    # A file's pixel belongs to a box when its centre does.
    centre = (np.arange(file_side) + 0.5) * side / file_side
    assert edges[edge] == int((centre < edge).sum())


def test_boxes_of_half_sized_images(tmp_path):
    write_camvid(tmp_path)  # 12×20
    config = DatasetConfig(kind="camvid", root=str(tmp_path), height=8, width=10)
    asked = query(("train_1", 2, 4), ("train_0", 0, 0))
    first, second = with_sources(asked, open_dataset(config), config).to_pylist()
    assert first["image_file"] == "train/train_1.png"
    assert (first["image_height"], first["image_width"]) == (12, 20)
    assert [first[f"file_{side}"] for side in ("top", "left", "bottom", "right")] == [3, 8, 9, 16]
    assert [second[f"file_{side}"] for side in ("top", "left", "bottom", "right")] == [0, 0, 6, 8]
    assert (first["top"], first["left"], first["width"]) == (2, 4, 4)


def test_without_resize_the_pixels_are_the_same(tmp_path):
    write_camvid(tmp_path)
    config = DatasetConfig(kind="camvid", root=str(tmp_path))
    (row,) = with_sources(query(("train_1", 2, 4)), open_dataset(config), config).to_pylist()
    assert [row[f"file_{side}"] for side in ("top", "left", "bottom", "right")] == [2, 4, 6, 8]


def test_a_file_that_is_gone_and_a_query_of_nothing(tmp_path):
    write_camvid(tmp_path)
    config = DatasetConfig(kind="camvid", root=str(tmp_path))
    dataset = open_dataset(config)
    (tmp_path / "train/train_1.png").unlink()
    table = with_sources(query(("train_1", 2, 4)), dataset, config)
    assert [table[name].to_pylist() for name in SOURCE_SCHEMA.names] == [[None]] * 7
    empty = with_sources(QUERY_SCHEMA.empty_table(), dataset, config)
    assert empty.schema.names == QUERY_SCHEMA.names + SOURCE_SCHEMA.names


def test_a_segment_is_the_polygons_of_its_part():
    """A ring of pixels around a hole, and a single pixel; corners in the order in which they are walked."""
    mask = np.array([[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]], bool)
    (row,) = query(("a", 2, 4)).to_pylist()
    row |= {"width": 4, "segment": pack_mask(mask), "predicted_class": 7}
    (feature,) = json.loads(query_geojson([row], 0))["features"]
    assert feature["properties"]["predicted_class"] == 7
    assert feature["geometry"]["type"] == "MultiPolygon"
    rings = [[{tuple(point) for point in ring} for ring in polygon] for polygon in feature["geometry"]["coordinates"]]
    assert rings == [
        [{(4, 2), (7, 2), (7, 5), (4, 5)}, {(5, 3), (6, 3), (6, 4), (5, 4)}],
        [{(7, 5), (8, 5), (8, 6), (7, 6)}],
    ]
    assert all(ring[0] == ring[-1] for polygon in feature["geometry"]["coordinates"] for ring in polygon)
    header, line = csv.reader(io.StringIO(query_csv([row]).decode()))
    assert header == [*COLUMNS, "predicted_class"]
    assert line[-1] == "7"


def test_csv_and_geojson_append_the_columns_where_they_are_known(tmp_path):
    write_camvid(tmp_path)
    config = DatasetConfig(kind="camvid", root=str(tmp_path), height=8, width=10)
    old = query(("train_1", 2, 4))
    new = with_sources(old, open_dataset(config), config)
    assert next(csv.reader(io.StringIO(query_csv(old.to_pylist()).decode()))) == list(COLUMNS)
    header, row = csv.reader(io.StringIO(query_csv(new.to_pylist()).decode()))
    assert header == [*COLUMNS, *SOURCE_SCHEMA.names]
    assert row[-7:] == ["train/train_1.png", "12", "20", "3", "8", "9", "16"]
    (feature,) = json.loads(query_geojson(new.to_pylist(), 0))["features"]
    assert feature["geometry"]["coordinates"][0][0] == [4, 2]
    assert feature["properties"]["file_left"] == 8
    (feature,) = json.loads(query_geojson(old.to_pylist(), 0))["features"]
    assert set(feature["properties"]) == set(COLUMNS)
