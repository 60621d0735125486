"""The same file twice, the same picture twice, and pictures that only resemble each other."""

import io

import numpy as np
import pytest
from dataset_layouts import save, write_folder
from PIL import Image

from raymeta.config import DatasetConfig
from raymeta.datasets.duplicates import MAX_NEAR_BITS, duplicate_warnings, near_pairs, perceptual_hash
from raymeta.datasets.registry import open_dataset


def photograph(seed, height=120, width=160):
    """Soft blobs, as photographs have."""
    small = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def encoded_again(image, quality=85, scale=1.0):
    sink = io.BytesIO()
    picture = Image.fromarray(image)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    picture.save(sink, format="JPEG", quality=quality)
    return np.asarray(Image.open(sink).convert("RGB"))


def distance(first, second):
    return int(np.bitwise_count(perceptual_hash(first) ^ perceptual_hash(second)).sum())


@pytest.mark.parametrize("seed", range(5))
def test_encoding_again_keeps_the_hash_and_another_picture_has_another(seed):
    image = photograph(seed)
    assert distance(image, encoded_again(image)) <= MAX_NEAR_BITS
    assert distance(image, photograph(seed + 100)) > 20
    assert distance(image, np.roll(image, 6, axis=1)) > MAX_NEAR_BITS


def test_a_picture_without_contrast_has_no_hash():
    assert perceptual_hash(np.full((20, 20, 3), 77, np.uint8)) is None


def test_near_pairs_equal_the_obvious_loop():
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**63, (6, 4), dtype=np.uint64)
    hashes[4] = hashes[1] ^ np.uint64([1, 0, 4, 0])
    hashes[5] = hashes[0] ^ np.uint64([15, 0, 0, 0])
    bits = [[bin(int(word)).count("1") for word in hashes[i] ^ hashes[j]] for i in range(6) for j in range(i)]
    assert sum(sum(row) <= MAX_NEAR_BITS for row in bits) == 1
    assert list(near_pairs(hashes)) == [(1, 4)]


def test_warnings_tell_leaks_from_repetitions():
    first, second = (perceptual_hash(photograph(seed)) for seed in (1, 2))
    digests = {"a": b"1", "b": b"2", "v": b"1"}
    (leak,) = duplicate_warnings(digests, {}, frozenset("v"))
    assert leak.startswith("1 pairs of a pool and a validation image are the same file (a = v)")
    (twice,) = duplicate_warnings({}, {"a": first, "b": second, "c": first}, frozenset())
    assert twice.startswith("1 pairs of pool images look the same (a = c)")
    assert len(duplicate_warnings({"a": b"1", "b": b"1"}, {"a": first, "b": first}, frozenset())) == 1
    assert duplicate_warnings({"v": b"1", "w": b"1"}, {}, frozenset("vw")) == []


def test_a_leak_is_found_in_files(tmp_path):
    root = write_folder(tmp_path)
    leaked = (root / "images/val/val0.jpg").read_bytes()
    (root / "images/train/train2.jpg").write_bytes(leaked)
    save(root / "images/train/train1.jpg", photograph(3, 12, 20))
    survey = open_dataset(DatasetConfig(kind="folder", root=str(root))).survey()
    assert sum("are the same file (train" in line for line in survey.warnings) >= 1
