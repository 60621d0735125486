"""The torch path against the numba path; on the CPU everywhere, and on a GPU where there is one."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from metaseg_reference import random_softmax, random_target

from raymeta.metaseg.device_scan import DeviceScan
from raymeta.metaseg.heatmaps import METASEG_LOG_OFFSET
from raymeta.metaseg.segment_metrics import segment_metrics
from raymeta.metaseg.segment_runs import run_pixels, segment_runs
from raymeta.metaseg.segments import find_segments
from raymeta.metaseg.softmax_scan import HostScan, open_scan

EXACT = {"segment_id", "class_id", "iou"}
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.fixture(params=DEVICES)
def device(request):
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return torch.device(request.param)


def on(device, softmax):
    return torch.from_numpy(softmax).to(device)


def assert_same_metrics(softmax, target, device):
    segments, table = segment_metrics(softmax, target)
    device_segments, device_table = segment_metrics(on(device, softmax), target)
    np.testing.assert_array_equal(device_segments.segment_map, segments.segment_map)
    np.testing.assert_array_equal(device_segments.boundary_mask, segments.boundary_mask)
    assert device_table.schema == table.schema
    for name in table.column_names:
        values, expected = device_table[name].to_numpy(), table[name].to_numpy()
        if name in EXACT or name.startswith(("size", "center")):
            np.testing.assert_array_equal(values, expected, err_msg=name)
        else:
            np.testing.assert_allclose(values, expected, rtol=1e-5, atol=2e-7, err_msg=name)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 9), st.integers(1, 24), st.integers(1, 24), st.booleans())
def test_equals_the_numba_path(seed, classes, height, width, with_target):
    rng = np.random.default_rng(seed)
    softmax = random_softmax(rng, classes, height, width)
    target = random_target(rng, softmax.argmax(axis=0), classes) if with_target else None
    assert_same_metrics(softmax, target, torch.device("cpu"))


def test_larger_image_with_ties_and_zeros(device):
    softmax = random_softmax(np.random.default_rng(0), 19, 120, 200, smooth=4)
    softmax[:, :30, :50] = np.float32(1 / 19)
    softmax[:, 60:, 100:] = 0
    softmax[3, 60:, 100:] = 1
    assert_same_metrics(softmax, random_target(np.random.default_rng(1), softmax.argmax(axis=0), 19), device)


def test_entropy_and_its_mean(device):
    softmax = random_softmax(np.random.default_rng(0), 5, 30, 40)
    softmax[:, 0, 0] = 0, 1, 0, 0, 0
    for offset in (0.0, METASEG_LOG_OFFSET):
        scan, expected = open_scan(on(device, softmax), offset), HostScan(softmax, offset)
        assert isinstance(scan, DeviceScan)
        np.testing.assert_allclose(scan.entropy(), expected.entropy(), rtol=2e-6, atol=2e-7)
        assert scan.mean_entropy() == pytest.approx(expected.mean_entropy(), rel=1e-6)


def test_sums_repeat_bit_for_bit(device):
    tensor = on(device, random_softmax(np.random.default_rng(0), 4, 200, 300, smooth=0.5))
    first = segment_metrics(tensor)[1]
    assert all(segment_metrics(tensor)[1].equals(first) for _ in range(5))


def test_the_softmax_never_comes_to_the_host(device, monkeypatch):
    largest = []
    to_host = torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, "cpu", lambda tensor: largest.append(tensor.numel()) or to_host(tensor))
    softmax = random_softmax(np.random.default_rng(0), 19, 64, 96, smooth=4)
    segments, _ = segment_metrics(on(device, softmax))
    assert max(largest) == max(64 * 96, 21 * 2 * segments.count)


def test_runs_by_hand():
    runs = segment_runs(find_segments(np.array([[1, 1, 1, 0], [255, 1, 1, 1]], dtype=np.uint8)))
    # Row 0: two boundary pixels of segment 1, one more before the other class, segment 2; row 1: ignored, segment 1.
    assert runs.ends.tolist() == [3, 4, 5, 8]
    assert runs.keys.tolist() == [1, 3, 4, 1]


def test_half_precision_is_cast():
    softmax = random_softmax(np.random.default_rng(0), 5, 8, 9).astype(np.float16)
    values = segment_metrics(torch.from_numpy(softmax))[1]["entropy"].to_numpy()
    np.testing.assert_allclose(values, segment_metrics(softmax)[1]["entropy"].to_numpy(), rtol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.01, 1.5])
def test_no_distribution_is_refused_with_its_place(value, device):
    softmax = random_softmax(np.random.default_rng(0), 5, 8, 9)
    softmax[2, 3, 7] = value
    with pytest.raises(ValueError, match=r"pixel \(3, 7\)"):
        open_scan(on(device, softmax))


@pytest.mark.parametrize(
    ("softmax", "message"),
    [
        (torch.full((1, 4, 4), 1.0), "1 classes"),
        (torch.full((256, 4, 4), 1 / 256), "256 classes"),
        (torch.full((2, 4), 0.5), "shape"),
        (torch.empty((2, 0, 4)), "shape"),
        (torch.ones((2, 4, 4), dtype=torch.int64), "int64"),
    ],
)
def test_wrong_tensors_are_refused(softmax, message):
    with pytest.raises(ValueError, match=message):
        segment_metrics(softmax)


def test_pixels_of_runs_by_counting_each_pixel():
    rng = np.random.default_rng(0)
    for shape in ((1, 1), (5, 7), (12, 9)):
        labels = np.where(rng.random(shape) < 0.2, 255, rng.integers(0, 3, shape)).astype(np.uint8)
        segments = find_segments(labels)
        runs = segment_runs(segments)
        expected = np.zeros((3, 2 * segments.count), np.int64)
        for row, col in np.ndindex(shape):
            segment = segments.segment_map[row, col]
            if segment > 0:
                expected[:, 2 * (segment - 1) + segments.boundary_mask[row, col]] += (1, row, col)
        np.testing.assert_array_equal(run_pixels(runs, shape[1], segments.count), expected)
