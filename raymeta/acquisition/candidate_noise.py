"""Noise on the scores of candidates, keyed so that no order of work changes it (docs/method.md#noise)."""

import hashlib

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.config import AcquisitionConfig
from raymeta.schemas import IMAGE_ID, LEFT, SCORE, TOP


def noise_beta(acquisition: AcquisitionConfig, iteration: int, iterations: int) -> float | None:
    """β of an iteration: from beta_start to beta_end in equal ratios; None without noise."""
    noise = acquisition.noise
    if noise.beta_start is None:
        return None
    end = noise.beta_start if noise.beta_end is None else noise.beta_end
    done = min(1.0, iteration / max(1, iterations - 1))
    return float(noise.beta_start * (end / noise.beta_start) ** done)


def with_noise(candidates: pa.Table, beta: float, seed: int, iteration: int) -> pa.Table:
    """Candidates of one image with scores `score · (-ln u)^(-1/β)`, best first.

    That is `ln score + Gumbel / β`: the best ones are then a draw without replacement, in which a candidate's chance
    grows with `score^β`.

    Args:
        candidates: boxes of one image, with CANDIDATE_SCHEMA's columns and any others.
        beta: above 0; the larger, the less noise.
        seed: of the run.
        iteration: that asks.
    """
    if candidates.num_rows == 0:
        return candidates
    score = candidates[SCORE].to_numpy()
    factor = (-np.log(uniforms(candidates, seed, iteration))) ** (-1.0 / beta)
    noisy = candidates.set_column(candidates.column_names.index(SCORE), SCORE, pa.array(score * factor, pa.float64()))
    order = np.lexsort((noisy[LEFT].to_numpy(), noisy[TOP].to_numpy(), -noisy[SCORE].to_numpy()))
    return noisy.take(pa.array(order))


def uniforms(candidates: pa.Table, seed: int, iteration: int) -> NDArray[np.float64]:
    """(rows,) float64 in (0, 1), by seed, iteration, image id, top and left of each row alone."""
    names = candidates[IMAGE_ID].to_pylist()
    keys = {name: _image_key(name, seed, iteration) for name in set(names)}
    state = np.array([keys[name] for name in names], dtype=np.uint64)
    for column in (TOP, LEFT):
        state = _mix(state ^ candidates[column].to_numpy().astype(np.uint64))
    bits = state >> np.uint64(12)  # 52 bits and a half: neither 0 nor 1
    numbers: NDArray[np.float64] = (bits.astype(np.float64) + 0.5) * 2.0**-52
    return numbers


def _image_key(image_id: str, seed: int, iteration: int) -> int:
    text = f"{seed} {iteration} ".encode() + image_id.encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "little")


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One step of SplitMix64: every bit of the input changes half of the output's."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = state ^ (state >> np.uint64(31))
    return mixed
