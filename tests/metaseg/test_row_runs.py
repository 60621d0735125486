import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from metaseg_reference import slow_segment_map

from raymeta.metaseg.row_runs import row_runs


def test_by_hand():
    runs = row_runs(np.array([[1, 1, 2], [255, 1, 255], [3, 3, 3]], dtype=np.uint8))
    assert runs.starts.tolist() == [0, 2, 3, 0, 1, 2, 3, 0, 3]
    assert runs.first.tolist() == [0, 3, 7, 9]
    assert runs.labels.tolist() == [1, 2, 255, 255, 1, 255, 255, 3, 255]
    assert runs.components.tolist() == [1, 2, 0, 0, 1, 0, 0, 3, 0]
    assert runs.sizes.tolist() == [2, 3, 1, 3]
    assert runs.classes.tolist() == [1, 2, 3]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 25), st.integers(1, 25), st.sampled_from([[0, 1], [0, 254, 255, 7]]))
def test_runs_cover_the_map_and_components_are_segments(seed, height, width, labels):
    label_map = np.random.default_rng(seed).choice(np.array(labels, dtype=np.uint8), size=(height, width))
    runs, expected = row_runs(label_map), slow_segment_map(label_map)
    painted, numbered = np.empty_like(label_map), np.empty_like(expected)
    for row in range(height):
        for run in range(runs.first[row], runs.first[row + 1] - 1):
            painted[row, runs.starts[run] : runs.starts[run + 1]] = runs.labels[run]
            numbered[row, runs.starts[run] : runs.starts[run + 1]] = runs.components[run]
    np.testing.assert_array_equal(painted, label_map)
    np.testing.assert_array_equal(numbered, expected)
    assert runs.sizes.tolist() == np.bincount(expected.ravel(), minlength=len(runs.classes) + 1).tolist()


def test_branches_of_a_comb_are_one_component():
    label_map = np.zeros((9, 101), dtype=np.uint8)
    label_map[:, ::2] = 1
    label_map[-1] = 1
    runs = row_runs(label_map)
    assert runs.sizes.tolist() == [0, 51 * 8 + 101, *[8] * 50]
