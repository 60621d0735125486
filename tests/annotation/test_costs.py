import pyarrow as pa
import pytest

from raymeta.annotation.costs import CostLedger, ImageSums, QuerySums, costs
from raymeta.schemas import ANNOTATION_SCHEMA, WHOLE_IMAGE_CLICKS_SCHEMA

POOL = ImageSums(polygon=1000, class_=250, pixels=100_000)
INITIAL = ImageSums(polygon=100, class_=20, pixels=10_000)
META = ImageSums(polygon=50, class_=10, pixels=5_000)
QUERY = QuerySums(polygon=60, intersection=30, box=40, class_=25, pixels=2_560, boxes=10)


def test_by_hand():
    ledger = CostLedger(POOL, INITIAL, QUERY, META)
    with_meta, without = ledger.costs(), ledger.costs_without_meta()
    assert with_meta.cost_a == pytest.approx(100 * (150 + 30 + 60 + 30 + 25) / 1250)
    assert with_meta.cost_b == pytest.approx(100 * (150 + 60 + 30 + 40) / 1000)
    assert with_meta.cost_p == pytest.approx(100 * (15_000 + 2_560) / 100_000)
    assert without.cost_a == pytest.approx(100 * (100 + 20 + 60 + 30 + 25) / 1250)
    assert without.cost_b == pytest.approx(100 * (100 + 60 + 30 + 40) / 1000)
    assert without.cost_p == pytest.approx(12.56)
    assert ledger.labelled_share(12_000) == 12.0


def test_full_set_costs_everything():
    full = CostLedger(POOL, POOL).costs()
    assert (full.cost_a, full.cost_b, full.cost_p) == (100, 100, 100)


@pytest.mark.parametrize(
    ("meta_images", "queries", "published"),
    [
        *[(30, 9, 17.81), (30, 6, 12.77), (30, 3, 7.73), (30, 2, 6.05), (30, 8, 16.13), (30, 5, 11.09)],
        *[(0, 5, 10.08), (0, 7, 13.45), (0, 16, 28.57), (0, 2, 5.04), (0, 10, 18.49), (0, 3, 6.72)],
    ],
)
def test_cost_p_of_the_paper(meta_images, queries, published):
    """Table 1: (50k + 30)/2975 where a meta set is used, else 50k/2975."""
    pixels = 2048 * 1024
    pool = ImageSums(1, 1, 2975 * pixels)
    query = QuerySums(pixels=queries * 6400 * 128**2, boxes=queries * 6400)
    ledger = CostLedger(pool, ImageSums(pixels=50 * pixels), query, ImageSums(pixels=meta_images * pixels))
    assert ledger.costs().cost_p == pytest.approx(published, abs=0.006)
    assert ledger.costs_without_meta().cost_p == pytest.approx(100 * 50 * (queries + 1) / 2975)


def test_sums_from_tables_add_over_shards():
    rows = [("a", 7, 2, 100), ("b", 5, 1, 200), ("c", 1, 1, 300)]
    columns = dict(zip(WHOLE_IMAGE_CLICKS_SCHEMA.names, map(list, zip(*rows, strict=True)), strict=True))
    table = pa.table(columns, schema=WHOLE_IMAGE_CLICKS_SCHEMA)
    assert ImageSums.from_table(table) == ImageSums(13, 4, 600)
    assert ImageSums.from_table(table, ["a", "c", "not there"]) == ImageSums(8, 3, 400)
    assert ImageSums.from_table(table, []) == ImageSums()
    parts = ImageSums.from_table(table.slice(0, 1)) + ImageSums.from_table(table.slice(1))
    assert parts == ImageSums.from_table(table)


def test_query_sums_from_table():
    row = {"image_id": "a", "top": 0, "left": 0, "width": 50_000, "rank": 1}
    row |= {"polygon_clicks": 3, "intersection_clicks": 2, "box_clicks": 4, "class_clicks": 5}
    table = pa.Table.from_pylist([row, row | {"width": 2}], schema=ANNOTATION_SCHEMA)
    assert QuerySums.from_table(table) == QuerySums(6, 4, 8, 10, 50_000**2 + 4, 2)
    assert QuerySums.from_table(ANNOTATION_SCHEMA.empty_table()) == QuerySums()
    assert QuerySums.from_table(table) + QuerySums() == QuerySums.from_table(table)


def test_pool_without_clicks():
    with pytest.raises(ValueError, match="check that its images have labels"):
        CostLedger(ImageSums(0, 0, 100), INITIAL)


def test_costs_of_boxes_only():
    assert costs(POOL, ImageSums(), QUERY).cost_b == pytest.approx(13.0)
