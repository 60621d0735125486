"""What labelling has cost, where, and what is still to be done, computed by hand."""

import numpy as np
import pyarrow as pa
import pytest

from raymeta.annotation.cost_models import SECONDS_PER_EVENT
from raymeta.labels.ledger import HUMAN_KINDS, LEDGER_SCHEMA, fit_prices, hours_left, tool_costs


def box(number, tool="labelme", human=(None,) * 4, seconds=None, source=None, state="accepted", **more):
    row = {"task_id": f"q000-{number:06d}", "set": "query-000", "state": state, "whole": False, "tool": tool}
    row |= {"seconds": seconds, "seconds_source": source} | dict(zip(HUMAN_KINDS.values(), human, strict=True))
    return row | more


def table(rows):
    return pa.Table.from_pylist(rows, schema=LEDGER_SCHEMA)


MODEL = {"polygon_clicks": 6, "intersection_clicks": 2, "box_clicks": 4, "class_clicks": 3}


def test_clicks_and_seconds_a_box_by_tool():
    rows = [
        box(1, "raymeta page", (4, 2, 1, 0), 10.0, "page_active", **MODEL),
        box(2, "raymeta page", (0, 0, 0, 1), 2.0, "page_active", **MODEL),
        box(3, "raymeta page", (8, 0, 2, 1), 30.0, "page_active", **MODEL),
        box(4, "cvat", (None, None, 0, 0)),
        box(5, "labelme", (3, 0, 1, 0)),
        box(6, None, state="proposed"),
    ]
    cvat, labelme, page = tool_costs(table(rows))
    assert (cvat.tool, cvat.boxes, cvat.clicks, cvat.seconds, cvat.hours, cvat.source) == ("cvat", 1, *(None,) * 4)
    assert (labelme.clicks, labelme.model_clicks, labelme.seconds) == (4, None, None)
    assert (page.boxes, page.clicks, page.model_clicks, page.seconds) == (3, 19 / 3, 15, 10.0)
    assert page.hours == pytest.approx(42 / 3600)
    assert page.source == "page_active"


def test_hours_left_count_what_waits_and_what_will_be_asked():
    image = {"set": "initial", "whole": True}
    rows = [
        box(1, seconds=10.0),
        box(2, seconds=20.0),
        box(3, seconds=60.0),
        box(4, None, state="handed_out"),
        box(5, None, state="withdrawn"),
        box(6, "labelme", state="accepted", seconds=600.0, **image),
        box(7, None, state="proposed", **image),
    ]
    left = hours_left(table(rows), iterations=3, query_size=50)
    assert (left.open_boxes, left.open_images, left.coming_boxes) == (1, 1, 100)
    assert left.hours == pytest.approx((101 * 20 + 600) / 3600)
    assert hours_left(table(rows[:4]), iterations=1, query_size=50).hours == pytest.approx(20 / 3600)
    assert hours_left(table([box(1, None, state="proposed")]), 1, 50).hours is None  # nobody's time is known
    assert hours_left(table([box(1)]), 1, 50).hours == 0


def test_prices_are_fitted_to_what_people_need():
    """Seconds made of 2 s a vertex, 3 s a crossing, 1.5 s a class and 0.5 s a confirmation, without noise."""
    rng = np.random.default_rng(0)
    price = np.array([2.0, 3.0, 1.5, 0.5])
    counts = [tuple(map(int, rng.integers(0, [20, 6, 4, 2]))) for _ in range(220)]
    rows = [box(n, "raymeta page", c, float(c @ price), "page_active") for n, c in enumerate(map(np.array, counts))]
    for row in rows:
        row |= {name: int(row[name]) for name in HUMAN_KINDS.values()}
    found = fit_prices(table(rows))
    assert [found.prices[kind] for kind in HUMAN_KINDS] == pytest.approx(price.tolist())
    assert found.prices["box"] == SECONDS_PER_EVENT["box"]
    assert (found.answers, found.source) == (220, "page_active")
    assert found.error == pytest.approx(0, abs=1e-6)


def test_fitted_prices_tell_the_hours_left():
    """200 boxes of 3 vertices and a confirmation, 2 s and 1 s each, were estimated at 10 clicks."""
    counts = {"q": (3, 0, 0, 1), "c": (0, 0, 0, 1)}
    rows = [box(n, "page", counts["q"], 7.0, "page_active", estimated_clicks=10) for n in range(198)]
    rows += [box(n, "page", counts["c"], 1.0, "page_active", estimated_clicks=10) for n in range(198, 202)]
    prices = fit_prices(table(rows))
    assert (prices.prices["polygon"], prices.prices["confirm"]) == pytest.approx((2.0, 1.0))
    mean = (198 * 7 + 4 * 1) / 202
    rows += [box(300, None, state="proposed", estimated_clicks=20), box(301, None, state="proposed")]
    left = hours_left(table(rows), iterations=2, query_size=5)
    assert left.priced
    assert left.hours == pytest.approx((2 * mean + mean + 5 * mean) / 3600)
    assert not hours_left(table(rows[3:]), iterations=1, query_size=5).priced  # 199 answers


def test_two_answers_by_hand():
    """3 vertices took 6 s, 1 crossing 5 s: a vertex is 2 s, a crossing 5 s; nobody chose a class."""
    rows = [box(1, human=(3, 0, 0, 0), seconds=6.0, source="x"), box(2, human=(0, 1, 0, 0), seconds=5.0, source="x")]
    found = fit_prices(table(rows), at_least=2)
    assert (found.prices["polygon"], found.prices["intersection"]) == pytest.approx((2.0, 5.0))
    assert found.prices["class_"] == SECONDS_PER_EVENT["class_"]


def test_it_takes_200_answers_of_one_source_and_pauses_dont_count():
    rows = [box(n, human=(1, 0, 0, 0), seconds=2.0, source="page_active") for n in range(199)]
    lead = [box(n, human=(1, 0, 0, 0), seconds=9.0, source="ls_lead_time") for n in range(150)]
    unknown = [box(n, human=(None, None, 1, 0), seconds=2.0, source="page_active") for n in range(50)]
    assert fit_prices(table([*rows, *lead, *unknown])) is None
    assert fit_prices(table([])) is None
    away = [box(n, human=(1, 0, 0, 0), seconds=900.0, source="page_active") for n in range(20)]
    assert fit_prices(table([*rows, *away, *lead])).prices["polygon"] == pytest.approx(2.0)
