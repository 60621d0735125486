import pytest

from raymeta.runs.run_state import is_over, state_of


@pytest.mark.parametrize(
    ("strategy", "iterations", "boxes", "waits_for", "state"),
    [
        ("metabox", 3, [], None, "open"),
        ("metabox", 3, [5, 5], None, "open"),
        ("metabox", 3, [5, 5], "query-002", "waits for people"),
        ("metabox", 3, [5, 0], None, "dry"),
        ("metabox", 3, [5, 5, 5], None, "finished"),
        ("metabox", 3, [5, 5, 0], None, "finished"),
        ("metabox", 2, [5, 5, 5], "query-002", "finished"),
        ("full_set", 5, [], None, "open"),
        ("full_set", 5, [0], None, "finished"),
    ],
)
def test_state(strategy, iterations, boxes, waits_for, state):
    assert state_of(strategy, iterations, boxes, waits_for) == state
    assert is_over(state) == (state in ("dry", "finished"))
