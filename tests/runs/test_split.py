import pytest
from hypothesis import given
from hypothesis import strategies as st

from raymeta.config import AcquisitionConfig
from raymeta.runs.split import Split, SplitError, split_pool

IDS = [f"image_{index}" for index in range(20)]


def make_split(strategy="metabox", seed=0, initial=4, meta=3, ids=IDS, needs_meta_set=True):
    acquisition = AcquisitionConfig(strategy=strategy, initial_images=initial, meta_images=meta)
    return split_pool(ids, ["v"], acquisition, needs_meta_set=needs_meta_set, seed=seed)


@given(st.integers(0, 1000), st.integers(1, 10), st.integers(0, 10), st.permutations(IDS))
def test_parts_are_disjoint_and_complete_in_any_order(seed, initial, meta, ids):
    split = make_split(seed=seed, initial=initial, meta=meta, ids=ids)
    assert sorted(split.pool) == sorted(IDS)
    assert (len(split.initial), len(split.meta)) == (initial, meta)
    assert split == make_split(seed=seed, initial=initial, meta=meta)


def test_initial_set_is_the_same_for_every_strategy():
    with_meta, without = make_split(), make_split(needs_meta_set=False)
    assert with_meta.initial == without.initial
    assert without.meta == ()
    assert set(with_meta.meta) <= set(without.unlabelled)


def test_seeds_differ():
    assert make_split(seed=0).initial != make_split(seed=1).initial


def test_full_set_labels_everything():
    split = make_split(strategy="full_set", needs_meta_set=False)
    assert sorted(split.initial) == sorted(IDS)
    assert split.unlabelled == ()


def test_too_small_a_pool_names_the_numbers():
    with pytest.raises(SplitError, match="need 21 images, the pool has 20"):
        make_split(initial=18, meta=3)


def test_table_round_trip():
    split = make_split()
    assert Split.from_table(split.to_table()) == split
