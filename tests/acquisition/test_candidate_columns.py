"""What candidates carry: gain by class, and the mean softmax."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from raymeta.acquisition.candidate_columns import CLASS_SHARES, FEATURE, column_matrix, with_columns
from raymeta.boxes import pack_mask

B = 3


@pytest.fixture
def softmax():
    return np.random.default_rng(1).dirichlet(np.ones(4), (8, 10)).transpose(2, 0, 1).astype(np.float32)


@pytest.fixture
def gain():
    values = np.random.default_rng(2).random((8, 10), dtype=np.float32)
    values[:3, :3] = 0
    return values


def boxes():
    return pa.table({"top": pa.array([0, 1, 5], pa.int32()), "left": pa.array([0, 4, 7], pa.int32())})


@pytest.mark.parametrize("as_tensor", [False, True])
def test_shares_and_means_by_definition(softmax, gain, as_tensor):
    given = torch.from_numpy(softmax) if as_tensor else softmax
    table = with_columns(boxes(), {"class_shares", "feature"}, given, gain, B)
    assert table.column_names == ["top", "left", CLASS_SHARES, FEATURE]
    for row, (top, left) in enumerate([(0, 0), (1, 4), (5, 7)]):
        box = np.s_[top : top + B, left : left + B]
        sums = (softmax[:, box[0], box[1]] * gain[box]).sum(axis=(1, 2))
        shares = sums / sums.sum() if sums.sum() else np.zeros(4)  # the first box is labelled: nothing to gain
        np.testing.assert_allclose(column_matrix(table, CLASS_SHARES)[row], shares, atol=1e-3)
        np.testing.assert_allclose(
            column_matrix(table, FEATURE)[row], softmax[:, box[0], box[1]].mean(axis=(1, 2)), atol=1e-3
        )
    assert pa.types.is_float16(table.schema.field(FEATURE).type.value_type)


@pytest.mark.parametrize("as_tensor", [False, True])
def test_of_a_segment_its_mask_counts(softmax, gain, as_tensor):
    given = torch.from_numpy(softmax) if as_tensor else softmax
    masks = np.random.default_rng(3).random((3, B, B)) < 0.5
    segments = boxes().append_column("segment", pa.array([pack_mask(mask) for mask in masks], pa.binary()))
    table = with_columns(segments, {"class_shares", "feature"}, given, gain, B)
    for row, (top, left) in enumerate([(0, 0), (1, 4), (5, 7)]):
        inside = softmax[:, top : top + B, left : left + B][:, masks[row]]
        sums = (inside * gain[top : top + B, left : left + B][masks[row]]).sum(axis=1)
        shares = sums / sums.sum() if sums.sum() else np.zeros(4)
        np.testing.assert_allclose(column_matrix(table, CLASS_SHARES)[row], shares, atol=1e-3)
        np.testing.assert_allclose(column_matrix(table, FEATURE)[row], inside.mean(axis=1), atol=1e-3)


def test_only_what_is_needed_is_added(softmax, gain):
    assert with_columns(boxes(), set(), softmax, gain, B).equals(boxes())
    assert with_columns(boxes(), {"feature"}, softmax, gain, B).column_names == ["top", "left", FEATURE]


def test_columns_survive_slices_filters_and_joins(softmax, gain):
    table = with_columns(boxes(), {"feature"}, softmax, gain, B)
    whole = column_matrix(table, FEATURE)
    together = pa.concat_tables([table.slice(1, 2), table.filter(pa.array([True, False, False]))])
    assert column_matrix(together, FEATURE).tolist() == whole[[1, 2, 0]].tolist()
    assert column_matrix(together.take([2, 0]), FEATURE).tolist() == whole[[0, 1]].tolist()
    assert column_matrix(table.slice(0, 0), FEATURE).size == 0
