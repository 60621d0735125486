"""What an unfinished stage left is gone on with only under the config that it was begun with."""

import pytest
from tiny_settings import tiny_values

from raymeta.config import parse_config
from raymeta.runs.input_key import work_key

VALUES = tiny_values("scenes", "run")


def key(**changes):
    return work_key(parse_config(VALUES | changes), b"network", 3)


@pytest.mark.parametrize("change", [{"run_dir": "elsewhere"}, {"iterations": 9}])
def test_what_may_change_changes_no_key(change):
    assert key(**change) == key()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"acquisition": VALUES["acquisition"] | {"box_width": 8}},
        {"acquisition": VALUES["acquisition"] | {"strategy": "entropy_box"}},
        {"training": VALUES["training"] | {"learning_rate": 0.001}},
    ],
)
def test_other_settings_have_another_key(change):
    assert key(**change) != key()
