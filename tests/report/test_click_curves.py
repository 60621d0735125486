"""What was saved, from made-up curves: saved, nothing saved, equal, no overlap."""

import pytest
from synthetic_runs import make_config, make_summary

from raymeta.errors import InputError
from raymeta.report.click_curves import ClickCurve, click_curve, curve_table, saved_sentence
from raymeta.report.run_results import RunResults
from raymeta.runs.records import ClickSums
from raymeta.runs.run_store import RunStore

RANDOM = ClickCurve("random_box", (100, 200, 300, 400), (0.2, 0.3, 0.4, 0.5))


def test_clicks_are_saved():
    """0.5 is reached by the other at 300, and by this one between 150 (0.4) and 250 (0.6): at 200. A third less."""
    own = ClickCurve("metabox_plus", (100, 150, 250), (0.2, 0.4, 0.6))
    baseline = ClickCurve("random_box", (100, 200, 300), (0.2, 0.3, 0.5))
    told = saved_sentence(own, baseline)
    assert told.startswith("For 50.0 % mIoU")
    assert "metabox_plus needed 200 clicks and random_box 300: 33 % of the clicks were saved." in told
    assert "one seed" in told


def test_nothing_is_saved():
    """0.4 is reached at 300 by random boxes; by this one at 360."""
    told = saved_sentence(ClickCurve("metabox_plus", (120, 240, 360), (0.2, 0.3, 0.4)), RANDOM)
    assert "metabox_plus needed 360 clicks and random_box 300: nothing was saved, it needed 20 % more." in told


def test_equal_curves_save_nothing():
    assert "and random_box 400: nothing was saved. " in saved_sentence(RANDOM, RANDOM)


def test_the_meta_set_counts_and_is_told_apart():
    """320 with the meta set's 80, 240 without; random boxes need 300 for 0.4: 7 % more, or 20 % fewer."""
    own = ClickCurve("metabox_plus", (180, 320), (0.2, 0.4), meta_clicks=80)
    told = saved_sentence(own, RANDOM)
    assert "metabox_plus needed 320 clicks (80 of them for its meta set) and random_box 300: nothing was saved" in told
    assert "7 % more (without the meta set 20 % fewer)." in told


@pytest.mark.parametrize("mious", [(0.55, 0.6), (0.1, 0.15), (0.6, 0.2)])
def test_curves_that_do_not_overlap_tell_nothing(mious):
    told = saved_sentence(ClickCurve("metabox_plus", (100, 200), mious), RANDOM)
    assert told.startswith("What was saved can't be told")
    assert f"from {100 * mious[0]:.1f} to {100 * max(mious):.1f} %" in told


def test_the_table_has_a_row_an_iteration():
    table = curve_table(ClickCurve("metabox_plus", (1234.4, 2000), (0.2, 0.41)), RANDOM)
    columns = [list(column.cells) for column in table.columns]
    assert columns == [
        ["0", "1", "2", "3"],
        ["1,234", "2,000", "–", "–"],
        ["20.0", "41.0", "–", "–"],
        ["100", "200", "300", "400"],
        ["20.0", "30.0", "40.0", "50.0"],
    ]


def test_a_curve_of_a_run():
    """Of the fixture: L0 has 180 vertices and 20 classes, each iteration adds 120 + 30 in boxes."""
    config = make_config("nowhere", "random_box")
    rows = tuple(make_summary(config, index, 0.1 * index, 1.0) for index in range(3))
    curve = click_curve(RunResults(RunStore("nowhere"), config, rows))
    assert curve == ClickCurve("random_box", (200, 350, 500), (0.0, 0.1, 0.2), 0)
    lost = tuple(row.model_copy(update={"clicks": ClickSums()}) for row in rows)
    with pytest.raises(InputError, match="nowhere"):
        click_curve(RunResults(RunStore("nowhere"), config, lost))
