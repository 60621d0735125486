"""Noise on scores: keyed, in rank order, and of the right strength."""

import numpy as np
import pyarrow as pa
import pytest

from raymeta.acquisition.candidate_noise import noise_beta, uniforms, with_noise
from raymeta.config import AcquisitionConfig, NoiseConfig
from raymeta.schemas import CANDIDATE_SCHEMA


def candidates(rows, image="a"):
    columns = [[image] * rows, np.linspace(2.0, 1.0, rows), np.arange(rows), np.arange(rows) % 7]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, CANDIDATE_SCHEMA, strict=True)], CANDIDATE_SCHEMA)


def test_noise_depends_on_the_key_alone():
    table = candidates(50)
    whole = uniforms(table, 1, 2)
    order = np.random.default_rng(0).permutation(50)
    assert uniforms(table.take(pa.array(order)), 1, 2).tolist() == whole[order].tolist()
    for other in (uniforms(table, 2, 2), uniforms(table, 1, 3), uniforms(candidates(50, "b"), 1, 2)):
        assert not np.isin(other, whole).any()


def test_uniforms_are_uniform():
    values = uniforms(candidates(20_000), 0, 0)
    assert 0 < values.min() < 1e-3
    assert 1 - 1e-3 < values.max() < 1
    assert np.histogram(values, bins=10, range=(0, 1))[0] == pytest.approx(2000, rel=0.1)
    assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 0.03


def test_scores_by_definition_and_in_rank_order():
    table = candidates(30)
    noisy = with_noise(table, 3.0, 1, 2)
    expected = table["score"].to_numpy() * (-np.log(uniforms(table, 1, 2))) ** (-1 / 3.0)
    by_top = dict(zip(table["top"].to_pylist(), expected.tolist(), strict=True))
    assert noisy["score"].to_pylist() == [by_top[top] for top in noisy["top"].to_pylist()]
    assert noisy["score"].to_pylist() == sorted(expected.tolist(), reverse=True)
    assert noisy.schema.equals(table.schema)


def test_little_noise_keeps_the_order_and_much_loses_it():
    table = candidates(200)
    assert with_noise(table, 1e8, 0, 0)["top"].to_pylist() == list(range(200))
    ranks = np.array(with_noise(table, 0.1, 0, 0)["top"].to_pylist())
    assert abs(np.corrcoef(ranks, np.arange(200))[0, 1]) < 0.3


def test_beta_grows_by_equal_ratios():
    acquisition = AcquisitionConfig(gain="entropy", noise=NoiseConfig(beta_start=1.0, beta_end=100.0))
    assert [noise_beta(acquisition, i, 3) for i in range(4)] == pytest.approx([1, 10, 100, 100])
    assert noise_beta(acquisition, 0, 1) == 1
    assert noise_beta(AcquisitionConfig(gain="entropy"), 0, 3) is None
    alone = AcquisitionConfig(gain="entropy", noise=NoiseConfig(beta_start=5.0))
    assert noise_beta(alone, 1, 2) == 5
