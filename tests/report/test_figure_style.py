"""Colours and markers of strategies."""

from raymeta.config.presets import CUSTOM, PRESETS
from raymeta.report.figure_style import COLOURS, FOREGROUND, MARKERS, MORE_COLOURS, group_styles
from raymeta.report.run_results import RunGroup


def test_every_strategy_is_told_apart_by_colour_and_by_marker() -> None:
    named = set(PRESETS) - {CUSTOM}
    assert named <= set(COLOURS)
    assert set(COLOURS) == set(MARKERS)
    assert len({*COLOURS.values(), *MORE_COLOURS, FOREGROUND}) == len(COLOURS) + len(MORE_COLOURS) + 1
    assert len(set(MARKERS.values())) == len(MARKERS)


def test_custom_groups_of_a_strategys_name_look_like_it() -> None:
    groups = [
        RunGroup(label, strategy, ()) for label, strategy in (("points", "custom"), ("mine", "custom"), ("a", "custom"))
    ]
    colours = [style["color"] for _, style in group_styles(groups)]
    assert colours == [COLOURS["points"], FOREGROUND, MORE_COLOURS[0]]
