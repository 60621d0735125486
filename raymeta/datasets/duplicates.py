"""Images that are there twice: the very same bytes, or pictures that look the same."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

HASH_SIDE: Final = 16
HASH_WORDS: Final = HASH_SIDE * HASH_SIDE // 64

MAX_NEAR_BITS: Final = 3
"""Of 256: the same photograph encoded again differs by 0 to 3, two frames of a film by tens."""

MIN_CONTRAST: Final = 16
"""Grey values between the darkest and the brightest cell: below it the bits are noise."""


def perceptual_hash(image: NDArray[np.uint8]) -> NDArray[np.uint64] | None:
    """Whether brightness rises from each of 16×17 cells to the next: 256 bits that resizing and encoding keep.

    image: (H, W, 3) uint8. Returns (4,) uint64; None for a picture without contrast.
    """
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    cells = cv2.resize(grey, (HASH_SIDE + 1, HASH_SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
    if int(cells.max()) - int(cells.min()) < MIN_CONTRAST:
        return None
    return np.packbits(cells[:, 1:] > cells[:, :-1]).view(np.uint64)


def near_pairs(hashes: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Pairs (i, j) with i < j of pictures that look the same. hashes: (N, 4) uint64."""
    for index in range(len(hashes) - 1):
        distance = np.bitwise_count(hashes[index + 1 :] ^ hashes[index]).sum(axis=1, dtype=np.int64)
        for other in np.flatnonzero(distance <= MAX_NEAR_BITS):
            yield index, index + 1 + int(other)


def equal_groups(keys: Mapping[str, object]) -> list[list[str]]:
    """Names that share a key, of two and more, in the order of the names."""
    groups: dict[object, list[str]] = {}
    for name, key in keys.items():
        groups.setdefault(key, []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def duplicate_warnings(
    digests: Mapping[str, object], hashes: Mapping[str, NDArray[np.uint64]], validation: frozenset[str]
) -> list[str]:
    """Images that are there twice, one line a kind.

    Args:
        digests: of the bytes of files, by image id.
        hashes: `perceptual_hash` of images, by image id.
        validation: ids of the validation images; others are of the pool.
    """
    groups = equal_groups(digests)
    exact = [(group[0], other) for group in groups for other in group[1:]]
    names = list(hashes)
    rows = np.array([hashes[name] for name in names], dtype=np.uint64).reshape(-1, HASH_WORDS)
    same = {name: number for number, group in enumerate(groups) for name in group}
    pairs = ((names[i], names[j]) for i, j in near_pairs(rows))
    near = [(one, other) for one, other in pairs if one not in same or same[one] != same.get(other)]
    lines = []
    for found, what in ((exact, "the same file"), (near, "look the same")):
        across = [pair for pair in found if (pair[0] in validation) != (pair[1] in validation)]
        within = [pair for pair in found if pair[0] not in validation and pair[1] not in validation]
        if across:
            lines.append(
                f"{len(across)} pairs of a pool and a validation image {_are(what)} ({_shown(across)}): the network is "
                "judged on what it learnt; remove them from one part"
            )
        if within:
            lines.append(
                f"{len(within)} pairs of pool images {_are(what)} ({_shown(within)}): they would be labelled twice; "
                "remove one of each"
            )
    return lines


def _are(what: str) -> str:
    return f"are {what}" if what.startswith("the") else what


def _shown(pairs: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{a} = {b}" for a, b in pairs[:3]) + (", …" if len(pairs) > 3 else "")
