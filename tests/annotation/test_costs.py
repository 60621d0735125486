import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from raymeta.annotation.cost_models import COST_A, COST_B, COST_MODELS, COST_P, COST_SECONDS, CostModel, seconds_model
from raymeta.annotation.costs import Cost, CostLedger, PoolEstimate
from raymeta.annotation.events import EVENT_COLUMNS, Events
from raymeta.errors import InputError
from raymeta.schemas import ANNOTATION_SCHEMA, WHOLE_IMAGE_CLICKS_SCHEMA

POOL = Events(polygon=1000, class_=250, pixels=100_000)
INITIAL = Events(polygon=100, class_=20, pixels=10_000)
META = Events(polygon=50, class_=10, pixels=5_000)
QUERY = Events(polygon=60, intersection=30, box=40, class_=25, pixels=2_560, boxes=10)
LEDGER = CostLedger(POOL, INITIAL, QUERY, META)


def image_table(*rows: tuple[str, int, int, int]) -> pa.Table:
    columns = [list(values) for values in zip(*rows, strict=True)] or [[] for _ in WHOLE_IMAGE_CLICKS_SCHEMA]
    return pa.table(columns, schema=WHOLE_IMAGE_CLICKS_SCHEMA)


def box_row(**values: int) -> dict[str, int | str]:
    row = {"image_id": "a", "top": 0, "left": 0, "width": 10, "rank": 1}
    return row | {"polygon_clicks": 3, "intersection_clicks": 2, "box_clicks": 4, "class_clicks": 5} | values


def test_costs_by_hand():
    assert LEDGER.cost(COST_A) == Cost(100 * (150 + 30 + 60 + 30 + 25) / 1250, 100 * (100 + 20 + 60 + 30 + 25) / 1250)
    assert LEDGER.cost(COST_B) == Cost(100 * (150 + 60 + 30 + 40) / 1000, 100 * (100 + 60 + 30 + 40) / 1000)
    assert LEDGER.cost(COST_P) == Cost(100 * (15_000 + 2_560) / 100_000, 12.56)
    assert LEDGER.labelled_share(12_000) == 12.0


def test_seconds_by_hand():
    images = 1.75 * 150 + 1.0 * 30
    boxes = 1.75 * (60 + 30 + 40) + 1.0 * 25
    assert LEDGER.spent(COST_SECONDS) == pytest.approx(images + boxes)
    assert LEDGER.cost(COST_SECONDS).value == pytest.approx(100 * (images + boxes) / (1.75 * 1000 + 250))


def test_own_seconds_take_the_place_of_the_published_ones():
    model = seconds_model({"polygon": 3.0, "confirm": 0.5})
    assert LEDGER.spent(model) == pytest.approx(3.0 * 210 + 30 + 1.75 * 70 + 25)
    answered = CostLedger(POOL, INITIAL, Events(confirm=8))
    assert answered.spent(model) - CostLedger(POOL, INITIAL).spent(model) == 4.0


@pytest.mark.parametrize("model", COST_MODELS.values(), ids=list(COST_MODELS))
def test_full_set_costs_everything(model):
    assert CostLedger(POOL, POOL).cost(model) == Cost(100, 100)


@pytest.mark.parametrize("model", COST_MODELS.values(), ids=list(COST_MODELS))
def test_box_costs_sum_to_the_price_of_the_sums(model):
    table = pa.Table.from_pylist([box_row(), box_row(width=20, polygon_clicks=7)], schema=ANNOTATION_SCHEMA)
    assert model.box_costs(table).sum() == pytest.approx(model.of_boxes(Events.of_boxes(table)))
    assert model.box_costs(ANNOTATION_SCHEMA.empty_table()).tolist() == []


def test_box_costs_are_whole_clicks():
    costs = COST_A.box_costs(pa.Table.from_pylist([box_row()], schema=ANNOTATION_SCHEMA))
    assert (costs.tolist(), costs.dtype) == ([10], np.int64)


def test_one_click_answers_cost_a_click_each():
    events = Events(confirm=1, reclass=2, prompt=4, stroke=8)
    assert (COST_A.of_boxes(events), COST_B.of_boxes(events), COST_A.of_images(events)) == (15, 15, 0)


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
    query = Events(pixels=queries * 6400 * 128**2, boxes=queries * 6400)
    pool, initial, meta = (
        Events(1, pixels=2975 * pixels),
        Events(pixels=50 * pixels),
        Events(pixels=meta_images * pixels),
    )
    cost = CostLedger(pool, initial, query, meta).cost(COST_P)
    assert cost.value == pytest.approx(published, abs=0.006)
    assert cost.without_meta == pytest.approx(100 * 50 * (queries + 1) / 2975)


def test_sums_from_tables_add_over_shards():
    table = image_table(("a", 7, 2, 100), ("b", 5, 1, 200), ("c", 1, 1, 300))
    assert Events.of_images(table) == Events(polygon=13, class_=4, pixels=600)
    assert Events.of_images(table, ["a", "c", "not there"]) == Events(polygon=8, class_=3, pixels=400)
    assert Events.of_images(table, []) == Events()
    assert Events.of_images(table.slice(0, 1)) + Events.of_images(table.slice(1)) == Events.of_images(table)


def test_sums_of_boxes():
    table = pa.Table.from_pylist([box_row(width=50_000), box_row(width=2)], schema=ANNOTATION_SCHEMA)
    expected = Events(polygon=6, intersection=4, box=8, class_=10, pixels=50_000**2 + 4, boxes=2)
    assert Events.of_boxes(table) == expected
    assert Events.of_boxes(ANNOTATION_SCHEMA.empty_table()) == Events()


def test_further_columns_of_a_table_are_counted():
    table = pa.Table.from_pylist([box_row(), box_row()], schema=ANNOTATION_SCHEMA)
    table = table.append_column("confirm_clicks", pa.array([1, 2])).append_column(
        "active_seconds", pa.array([2.5, None])
    )
    events = Events.of_boxes(table)
    assert (events.confirm, events.seconds, events.polygon) == (3, 2.5, 6)
    assert COST_A.box_costs(table).tolist() == [11, 12]


@given(st.fixed_dictionaries({kind: st.integers(0, 10**9) for kind in [*EVENT_COLUMNS, "pixels", "boxes"]}))
def test_events_come_back_from_their_record(values):
    events = Events(**values)
    assert Events.from_record(events.to_record(("polygon", "pixels"))) == events


@pytest.mark.parametrize("prices", [{"wings": 1}, {"polygon": -1}, {"polygon": float("nan")}, {"polygon": True}])
def test_faulty_prices_are_refused(prices):
    with pytest.raises(InputError):
        CostModel("x", "x", "clicks", "", prices, {})
    with pytest.raises(InputError):
        seconds_model(prices)


def test_pool_without_clicks():
    with pytest.raises(InputError):
        CostLedger(Events(pixels=100), INITIAL)


def test_an_estimated_pool_gives_an_interval():
    sample = image_table(("a", 10, 2, 100), ("b", 20, 2, 100), ("c", 30, 2, 100))
    estimate = PoolEstimate(sample, images=30, pixels=3000)
    assert estimate.events() == Events(polygon=600, class_=60, pixels=3000)
    ledger = CostLedger(estimate, Events.of_images(sample), Events(polygon=6))
    cost = ledger.cost(COST_B)
    reach = 30 * t.ppf(0.975, 2) * 10 / np.sqrt(3) * np.sqrt(0.9)  # of 600 clicks
    assert cost.value == pytest.approx(100 * 66 / 600)
    assert cost.low == pytest.approx(100 * 66 / (600 + reach))
    assert cost.high == pytest.approx(100 * 66 / max(60, 600 - reach))
    assert ledger.cost(COST_P) == Cost(10.0, 10.0)  # pixels are counted, not estimated
    assert set(ledger.costs()) == set(COST_MODELS)


def test_one_image_tells_no_upper_bound_and_all_of_them_the_truth():
    one = PoolEstimate(image_table(("a", 10, 2, 100)), images=30, pixels=3000)
    cost = CostLedger(one, Events(polygon=10)).cost(COST_B)
    assert (cost.low, cost.high) == (0.0, 100.0)
    every = PoolEstimate(image_table(("a", 10, 2, 100), ("b", 20, 2, 100)), images=2, pixels=200)
    assert CostLedger(every, Events(polygon=15)).cost(COST_B) == Cost(50.0, 50.0)
    with pytest.raises(InputError):
        PoolEstimate(image_table(), images=3, pixels=300)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    pool = rng.poisson(40, 200)
    held = 0
    for _ in range(300):
        chosen = rng.choice(pool, 12, replace=False)
        sample = image_table(*((str(i), int(n), 1, 1) for i, n in enumerate(chosen)))
        low, high = PoolEstimate(sample, images=200, pixels=200).interval(COST_B)
        held += low <= pool.sum() <= high
    assert 0.9 < held / 300 < 0.99
