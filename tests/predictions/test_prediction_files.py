"""Softmax and logits from every kind of file, and what is refused."""

import numpy as np
import pytest
import torch

from raymeta.predictions.prediction_files import PredictionError, PredictionFiles


@pytest.fixture
def logits():
    return np.random.default_rng(3).normal(0, 3, (4, 6, 9)).astype(np.float32)


def softmax_of(logits):
    """Slow and obvious."""
    values = np.exp(logits.astype(np.float64))
    return values / values.sum(axis=0)


def save(folder, kind, array):
    if kind == "npy":
        np.save(folder / "a.npy", array)
    elif kind == "npz":
        np.savez_compressed(folder / "a.npz", scores=array)
    else:
        torch.save(torch.from_numpy(array.copy()), folder / "a.pt")


@pytest.mark.parametrize("kind", ["npy", "npz", "pt"])
@pytest.mark.parametrize("layout", ["CHW", "HWC"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_logits_of_any_file_layout_and_width(tmp_path, logits, kind, layout, dtype):
    save(tmp_path, kind, (logits if layout == "CHW" else np.moveaxis(logits, 0, -1)).astype(dtype))
    found = PredictionFiles(tmp_path, "logits", layout).softmax("a")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, softmax_of(logits), atol=2e-3 if dtype == np.float16 else 1e-6)


def test_a_float32_softmax_comes_back_bit_for_bit(tmp_path, logits):
    softmax = softmax_of(logits).astype(np.float32)
    np.save(tmp_path / "a.npy", softmax)
    assert np.array_equal(PredictionFiles(tmp_path, "softmax", "CHW").softmax("a"), softmax)


def test_a_softmax_of_8_bits_adds_up_to_1_again(tmp_path, logits):
    np.save(tmp_path / "a.npy", np.round(softmax_of(logits) * 255).astype(np.uint8))
    found = PredictionFiles(tmp_path, "softmax", "CHW").softmax("a")
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(found, softmax_of(logits), atol=0.01)


def test_bfloat16_tensors_and_dictionaries(tmp_path, logits):
    tensor = torch.from_numpy(logits).bfloat16()
    torch.save({"out": tensor, "aux": tensor[:2]}, tmp_path / "a.pt")
    found = PredictionFiles(tmp_path, "logits", "CHW", "out").softmax("a")
    np.testing.assert_allclose(found, softmax_of(tensor.float().numpy()), atol=1e-5)
    with pytest.raises(PredictionError, match="aux, out"):
        PredictionFiles(tmp_path, "logits", "CHW").softmax("a")


def test_ids_are_paths_without_suffix_in_the_order_of_their_bytes(tmp_path, logits):
    for name in ("b/10.npy", "b/9.npy", "ä.npy"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.save(tmp_path / name, logits)
    assert PredictionFiles(tmp_path, "logits", "CHW").image_ids == ["b/10", "b/9", "ä"]
    save(tmp_path / "b", "npz", logits)
    (tmp_path / "b/a.npz").rename(tmp_path / "b/9.npz")
    with pytest.raises(PredictionError, match="b/9"):
        PredictionFiles(tmp_path, "logits", "CHW")


@pytest.mark.parametrize(
    ("array", "content"),
    [
        (np.zeros((4, 6), np.float32), "softmax"),
        (np.zeros((4, 6, 9), np.float32), "softmax"),  # adds up to 0
        (np.full((4, 6, 9), np.nan, np.float32), "softmax"),
        (np.full((4, 6, 9), np.inf, np.float32), "logits"),
        (np.full((4, 6, 9), 0.25, np.float32) - np.eye(9, dtype=np.float32)[:6], "softmax"),
        (np.zeros((4, 6, 9), np.int64), "softmax"),
        (np.zeros((4, 6, 9), np.uint8), "logits"),
        (np.zeros((0, 6, 9), np.float32), "logits"),
        (np.array([[["text"]]]), "logits"),
    ],
)
def test_what_is_no_prediction_is_refused_by_name(tmp_path, array, content):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(PredictionError, match=r"a\.npy"):
        PredictionFiles(tmp_path, content, "CHW").softmax("a")


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pt"])
@pytest.mark.parametrize("data", [b"", b"\x93NUMPY", b"PK\x03\x04" + bytes(40), b"\x80\x04cposix\nsystem\n", bytes(99)])
def test_broken_and_hostile_bytes_are_refused_by_name(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(PredictionError, match=name):
        PredictionFiles(tmp_path, "logits", "CHW").softmax("a")


def test_pickled_objects_are_not_opened(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(PredictionError, match=r"a\.npy"):
        PredictionFiles(tmp_path, "logits", "CHW").softmax("a")


def test_an_empty_folder_and_none(tmp_path):
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(PredictionError, match=str(place)):
            PredictionFiles(place, "logits", "CHW")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_softmax_is_not_taken_for_logits(tmp_path, logits, dtype):
    save(tmp_path, "npy", softmax_of(logits).astype(dtype))
    with pytest.raises(PredictionError, match="content: softmax"):
        PredictionFiles(tmp_path, "logits", "CHW").softmax("a")


@pytest.mark.parametrize("kind", ["npy", "npz", "pt"])
@pytest.mark.parametrize("layout", ["CHW", "HWC"])
def test_classes_are_told_by_the_header(tmp_path, logits, kind, layout):
    save(tmp_path, kind, logits if layout == "CHW" else np.moveaxis(logits, 0, -1))
    assert PredictionFiles(tmp_path, "logits", layout).classes("a") == 4


def test_classes_are_those_of_the_array_that_the_key_names(tmp_path, logits):
    np.savez(tmp_path / "a.npz", scores=logits, aux=logits[:2])
    torch.save({"scores": torch.from_numpy(logits), "aux": torch.from_numpy(logits[:2])}, tmp_path / "b.pt")
    safetensors = pytest.importorskip("safetensors.numpy")
    safetensors.save_file({"scores": logits, "aux": logits[:2]}, tmp_path / "c.safetensors", {"by": "a trainer"})
    for image_id in "abc":
        assert PredictionFiles(tmp_path, "logits", "CHW", "aux").classes(image_id) == 2
        assert PredictionFiles(tmp_path, "logits", "CHW", "scores").classes(image_id) == 4
        assert PredictionFiles(tmp_path, "logits", "CHW").classes(image_id) is None  # which of the two?


@pytest.mark.parametrize("suffix", ["npy", "npz", "pt", "safetensors"])
@pytest.mark.parametrize(
    "data", [b"", b"some text", b"PK\x03\x04" + bytes(40), b"\xff" * 99, b"\x80\x04cposix\nsystem\n"]
)
def test_broken_bytes_tell_no_classes(tmp_path, suffix, data):
    (tmp_path / f"a.{suffix}").write_bytes(data)
    assert PredictionFiles(tmp_path, "logits", "CHW").classes("a") is None


@pytest.mark.parametrize("content", ["softmax", "logits"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_counted(tmp_path, logits, content, value):
    array = logits if content == "logits" else softmax_of(logits).astype(np.float32)
    array[0, :2, 3] = value
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(PredictionError, match=r"a\.npy: 2 of 216 values"):
        PredictionFiles(tmp_path, content, "CHW").softmax("a")


@pytest.mark.parametrize("suffix", ["npy", "npz", "pt"])
def test_a_file_of_another_kind_is_told_so(tmp_path, suffix):
    (tmp_path / f"a.{suffix}").write_text("some text")
    with pytest.raises(PredictionError, match=rf"a\.{suffix}: isn't a \.{suffix} file") as refused:
        PredictionFiles(tmp_path, "softmax", "CHW").softmax("a")
    assert "pickle" not in str(refused.value)
