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


def write_list(path, *names):
    path.write_text("\n".join(names) + "\n\n")
    return str(path)


def listed_split(needs_meta_set=True, **options):
    acquisition = AcquisitionConfig(strategy="metabox_plus", initial_images=2, meta_images=1, **options)
    return split_pool([f"im{i}" for i in range(8)], ["v"], acquisition, needs_meta_set=needs_meta_set, seed=3)


def test_lists_name_initial_and_meta_images(tmp_path):
    initial, meta = write_list(tmp_path / "i", "im5", "im1", "im7"), write_list(tmp_path / "m", " im0 ", "im2")
    both = listed_split(initial_list=initial, meta_list=meta)
    assert both.initial == ("im5", "im1", "im7")
    assert both.meta == ("im0", "im2")
    assert both.unlabelled == ("im3", "im4", "im6")
    first = listed_split(initial_list=initial)
    assert first.initial == both.initial
    assert len(first.meta) == 1
    assert set(first.pool) == {f"im{i}" for i in range(8)}
    drawn, without = (listed_split(meta_list=meta, needs_meta_set=needs) for needs in (True, False))
    assert drawn.initial == without.initial
    assert not {"im0", "im2"} & set(drawn.initial)
    assert without.meta == ()
    assert {"im0", "im2"} <= set(without.unlabelled)


@pytest.mark.parametrize(
    ("initial", "meta", "words"),
    [
        (["im1", "im1"], None, "im1 more than once"),
        (["images/im1.png"], None, "write ids as"),
        ([], None, "names no image"),
        (["im1", "im2"], ["im2"], "both name im2"),
        ([f"im{i}" for i in range(8)], None, "choose smaller sets"),
    ],
)
def test_lists_that_can_not_be(tmp_path, initial, meta, words):
    options = {"initial_list": write_list(tmp_path / "i", *initial)}
    if meta is not None:
        options["meta_list"] = write_list(tmp_path / "m", *meta)
    with pytest.raises(SplitError, match=words):
        listed_split(**options)


def test_a_list_that_is_not_there(tmp_path):
    (tmp_path / "latin").write_bytes(b"gr\xfcn")
    for name in ("gone", "latin", "."):
        with pytest.raises(SplitError, match="one image id a line"):
            listed_split(initial_list=str(tmp_path / name))
