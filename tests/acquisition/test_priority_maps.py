import numpy as np

from raymeta.acquisition.priority_maps import (
    clicks_priority,
    entropy_priority,
    metaseg_priority,
    quantize,
    random_priority,
)

LABELLED = np.array([[True, False], [False, False]])


def test_quantize_gives_multiples_in_the_unit_interval():
    values = np.array([[-0.5, 2.0**-26], [2.0**-24 * 1.4, 1.5]])
    assert quantize(values).tolist() == [[0, 0], [2.0**-24, 1]]
    random = quantize(np.random.default_rng(0).random((50, 50))).astype(np.float64) * 2**24
    assert np.array_equal(random, np.round(random))


def test_labelled_pixels_are_0_in_every_map():
    ones = np.ones((2, 2), dtype=np.float32)
    zeros = np.zeros((2, 2), dtype=np.float32)
    made = [
        entropy_priority(ones, LABELLED),
        metaseg_priority(zeros, LABELLED),
        clicks_priority(zeros.astype(np.uint8), LABELLED),
    ]
    for priority in made:
        assert priority.dtype == np.float32
        assert priority.tolist() == [[0, 1], [1, 1]]
    assert random_priority(0, 0, "a", 2, 2, LABELLED)[0, 0] == 0


def test_inputs_stay_as_they_were():
    entropy = np.full((2, 2), 0.3, dtype=np.float32)
    quantize(entropy, LABELLED)
    assert (entropy == np.float32(0.3)).all()


def test_clicks_and_metaseg_turn_round():
    assert clicks_priority(np.array([[1, 0]], dtype=np.uint8)).tolist() == [[0, 1]]
    assert metaseg_priority(np.array([[1.0, 0.25]], dtype=np.float32)).tolist() == [[0, 0.75]]


def test_noise_depends_on_seed_iteration_and_image_only():
    first = random_priority(1, 2, "a", 9, 7)
    assert np.array_equal(first, random_priority(1, 2, "a", 9, 7))
    for other in ((2, 2, "a"), (1, 3, "a"), (1, 2, "b"), (2, 1, "a")):
        assert not np.array_equal(first, random_priority(*other, 9, 7))
    large = random_priority(0, 0, "a", 300, 300)
    assert 0.49 < large.mean() < 0.51
    assert large.min() >= 0
    assert large.max() < 1
