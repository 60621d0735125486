"""Entropy, margin and arg-max of a softmax, in one pass over it."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit
from raymeta.metaseg.weighted_probabilities import weigh_tile, weights_of_classes

TILE: Final = 4096
"""Pixels worked on at a time: their sums stay in cache while the classes pass by, and reads run over whole pages."""

SUM_TOLERANCE: Final = 0.01
"""How far the classes of a pixel may be from summing to 1: wide enough for 16-bit networks, not for logits."""

MAX_CLASSES: Final = 255
"""Classes are 0..254, because label 255 means ignored."""

METASEG_LOG_OFFSET: Final = float(np.finfo(np.float32).eps)
"""MetaSeg takes log(p + offset); its published numbers differ by up to C·offset / log C from those without."""

SQRT_HALF_BITS: Final = np.int32(0x3F3504F3)
"""Bits of the float32 nearest to sqrt(1/2): mantissas are brought into [sqrt(1/2), sqrt(2))."""

MANTISSA_BITS: Final = np.int32(23)


@dataclass(frozen=True)
class Heatmaps:
    """What one pass over a softmax yields.

    entropy: (H, W) float32, normalised by log C, 1 = all classes alike
    margin: (H, W) float32, 1 - p_max + p_second, 1 = the two best classes alike
    prediction: (H, W) uint8, the most probable class; the lowest class wins a tie (docs/method.md#prediction)
    plain_entropy: (H, W) float32, the entropy without a log offset; None unless it was asked for beside another
    class_weights: (H, W) float32, probabilities times the weights of their classes; None unless there were weights
    """

    entropy: NDArray[np.float32]
    margin: NDArray[np.float32]
    prediction: NDArray[np.uint8]
    plain_entropy: NDArray[np.float32] | None = None
    class_weights: NDArray[np.float32] | None = None


def as_softmax(softmax: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """The softmax as contiguous float32; the same array where it already is that, else a rounded copy.

    Definition: docs/method.md#softmax.

    softmax: (C, H, W) float16, float32 or float64, 2 to 255 classes, in any memory layout.

    Raises:
        ValueError: another dtype, another number of axes or classes, or no pixels.
    """
    if not isinstance(softmax, np.ndarray):
        raise ValueError(f"softmax is a {type(softmax).__name__}: pass a (C, H, W) float32 numpy array")
    if softmax.dtype not in (np.float16, np.float32, np.float64):
        raise ValueError(
            f"softmax has dtype {softmax.dtype}: pass float32 probabilities (float16 and float64 are cast)"
        )
    if softmax.ndim != 3:
        raise ValueError(f"softmax has shape {softmax.shape}: pass one image as (C, H, W)")
    if not 2 <= softmax.shape[0] <= MAX_CLASSES:
        raise ValueError(f"softmax has {softmax.shape[0]} classes: 2 to {MAX_CLASSES} are possible, as (C, H, W)")
    if softmax.size == 0:
        raise ValueError(f"softmax has shape {softmax.shape}: the image needs at least one pixel")
    return np.ascontiguousarray(softmax, dtype=np.float32)


def scan_softmax(
    softmax: NDArray[np.floating[Any]],
    log_offset: float = 0.0,
    with_plain_entropy: bool = False,
    class_weights: NDArray[np.float64] | None = None,
) -> Heatmaps:
    """Entropy, margin and arg-max in a single pass.

    softmax: (C, H, W) float32, sums to 1 over C. The heatmaps are as computed: a softmax that sums to 1 in 16-bit
        precision only can leave [0, 1] by that much.
    log_offset: the entropy is `-Σ p log(p + log_offset) / log C`.
    with_plain_entropy: give `-Σ p log p / log C` beside it, bit for bit as a scan without an offset does.
    class_weights: (C,) float64, give `Σ p w` too.

    Raises:
        ValueError: see `as_softmax`; or probabilities that are negative, not finite or don't sum to 1 within 0.01.
    """
    softmax = as_softmax(softmax)
    classes, height, width = softmax.shape
    heatmaps = Heatmaps(
        entropy=np.empty((height, width), dtype=np.float32),
        margin=np.empty((height, width), dtype=np.float32),
        prediction=np.empty((height, width), dtype=np.uint8),
        plain_entropy=np.empty((height, width), dtype=np.float32) if with_plain_entropy else None,
        class_weights=None if class_weights is None else np.empty((height, width), dtype=np.float32),
    )
    plain, weighted = (
        np.empty(0, np.float32) if wanted is None else wanted.reshape(-1)
        for wanted in (heatmaps.plain_entropy, heatmaps.class_weights)
    )
    weights = np.empty(0, np.float32) if class_weights is None else weights_of_classes(class_weights, classes)
    maps = (heatmaps.entropy.reshape(-1), heatmaps.margin.reshape(-1), heatmaps.prediction.reshape(-1), plain)
    bad = _scan(
        softmax.reshape(classes, -1),
        np.float32(log_offset),
        np.float32(1 / math.log(classes)),
        *maps,
        weights,
        weighted,
    )
    if bad >= 0:
        row, col = divmod(int(bad), width)
        raise not_a_distribution(row, col, softmax[:, row, col])
    return heatmaps


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def mean_of(heatmap):  # type: ignore[no-untyped-def]
    """Mean of a (H, W) float32 map, summed in float64."""
    total = 0.0
    for row in range(heatmap.shape[0]):
        line = heatmap[row]
        for col in range(line.shape[0]):
            total += np.float64(line[col])
    return total / heatmap.size


def not_a_distribution(row: int, col: int, values: NDArray[np.float32]) -> ValueError:
    """The error for a pixel whose (C,) values are no probability distribution."""
    return ValueError(
        f"softmax at pixel ({row}, {col}) isn't a probability distribution (lowest {values.min():.4g}, "
        f"sum {values.sum():.4g}): pass the softmax over the classes, not logits, without NaN"
    )


def entropy(softmax: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Normalised entropy `-Σ p log p / log C` (docs/method.md#entropy), clipped to [0, 1].

    softmax: (C, H, W) float32, sums to 1 over C. Returns (H, W) float32; errors as in `scan_softmax`.
    """
    heatmap = scan_softmax(softmax).entropy
    return np.clip(heatmap, 0, 1, out=heatmap)


def margin(softmax: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """`1 - p_max + p_second`, clipped to [0, 1]: 1 where the two best classes are alike (docs/method.md#margin).

    softmax: (C, H, W) float32, sums to 1 over C. Returns (H, W) float32; errors as in `scan_softmax`.
    """
    heatmap = scan_softmax(softmax).margin
    return np.clip(heatmap, 0, 1, out=heatmap)


@njit(inline="always")
def _log(value: np.float32) -> np.float32:
    """Natural logarithm of a positive normal float32 within 2e-7 relative; finite, not -inf, for 0.

    Exponent and mantissa are split by integer arithmetic and log(1 + r) = r + r² Q(r) with Q a least-squares fit at
    Chebyshev nodes of [sqrt(1/2) - 1, sqrt(2) - 1]; without a branch, so that the loop over pixels vectorises. numba
    widens integers to 64 bits at each operation, which would halve the pixels in a register: hence the casts.
    """
    bits = np.float32(value).view(np.int32)
    exponent = np.int32(np.int32(bits - SQRT_HALF_BITS) >> MANTISSA_BITS)
    r = np.int32(bits - np.int32(exponent << MANTISSA_BITS)).view(np.float32) - np.float32(1)
    q = np.float32(0.08518540859222412)
    q = q * r + np.float32(-0.1420377492904663)
    q = q * r + np.float32(0.1494932919740677)
    q = q * r + np.float32(-0.16586831212043762)
    q = q * r + np.float32(0.19960661232471466)
    q = q * r + np.float32(-0.25001031160354614)
    q = q * r + np.float32(0.33333972096443176)
    q = q * r + np.float32(-0.5)
    return np.float32(exponent) * np.float32(0.6931471805599453) + (r + r * r * q)


@njit(inline="always")
def _is_distribution(total: np.float32, lowest: np.float32) -> bool:
    """Whether probabilities with this sum and minimum can be a softmax; NaN and infinity show in the sum."""
    return abs(total - np.float32(1)) <= np.float32(SUM_TOLERANCE) and lowest >= np.float32(0)  # type: ignore[return-value]


@njit(inline="always")
def _rank(p, label, first, second, best):  # type: ignore[no-untyped-def]
    """The two highest probabilities and the class of the first, after one more class; an earlier class wins a tie."""
    loser = first if p > first else p
    best = label if p > first else best
    first = p if p > first else first
    second = loser if loser > second else second
    return first, second, best


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy", boundscheck=False)
def _scan(
    softmax: NDArray[np.float32],
    log_offset: np.float32,
    scale: np.float32,
    entropy: NDArray[np.float32],
    margin: NDArray[np.float32],
    prediction: NDArray[np.uint8],
    plain_entropy: NDArray[np.float32],
    weights: NDArray[np.float32],
    weighted: NDArray[np.float32],
) -> int:
    """Fill the heatmaps of (C, N) pixels; return the first pixel that holds no distribution, else -1.

    plain_entropy, weighted: (N,), or empty where they aren't wanted. weights: (C,) for `weighted`.

    The class loop is outside and the pixel loop inside, over tiles whose accumulators stay in cache.
    """
    classes, pixels = softmax.shape
    # Each an array of its own, so that the compiler knows that they don't overlap.
    first = np.empty(TILE, dtype=np.float32)
    second = np.empty(TILE, dtype=np.float32)
    minus_entropy = np.empty(TILE, dtype=np.float32)
    total = np.empty(TILE, dtype=np.float32)
    lowest = np.empty(TILE, dtype=np.float32)
    labels = np.empty(TILE, dtype=np.int32)
    minus_plain = np.empty(TILE, dtype=np.float32)
    for start in range(0, pixels, TILE):
        count = min(TILE, pixels - start)
        first[:] = np.float32(-1)
        second[:] = np.float32(-1)
        minus_entropy[:] = np.float32(0)
        total[:] = np.float32(0)
        lowest[:] = np.float32(0)
        labels[:] = 0
        end = start + count
        in_fours = classes // 4 * 4
        for c in range(0, in_fours, 4):
            _take_four_classes(softmax, c, start, end, log_offset, first, second, minus_entropy, total, lowest, labels)
        for c in range(in_fours, classes):
            _take_class(softmax, c, start, end, log_offset, first, second, minus_entropy, total, lowest, labels)
        if len(plain_entropy) > 0:
            _plain_tile(softmax, start, end, scale, minus_plain, plain_entropy[start:end])
        if len(weighted) > 0:
            weigh_tile(softmax, weights, start, end, weighted[start:end])
        # Slices count from 0: an index that might be negative would keep the loops from being vectorised.
        entropies, margins, predictions = entropy[start:end], margin[start:end], prediction[start:end]
        wrong = False
        for x in range(count):
            entropies[x] = -minus_entropy[x] * scale
            margins[x] = np.float32(1) - first[x] + second[x]
            wrong |= not _is_distribution(total[x], lowest[x])
        for x in range(count):
            predictions[x] = np.uint8(labels[x])
        if wrong:
            for x in range(count):
                if not _is_distribution(total[x], lowest[x]):
                    return start + x
    return -1


@njit(inline="always")
def _take_class(softmax, c, start, end, log_offset, first, second, minus_entropy, total, lowest, labels):  # type: ignore[no-untyped-def]
    """Count class `c` of pixels start:end of a softmax (C, N) into the accumulators (TILE,)."""
    label = np.int32(c)
    row = softmax[c, start:end]
    for x in range(row.shape[0]):
        p = row[x]
        first[x], second[x], labels[x] = _rank(p, label, first[x], second[x], labels[x])
        lowest[x] = p if p < lowest[x] else lowest[x]
        total[x] += p
        minus_entropy[x] += p * _log(p + log_offset)


@njit(inline="always")
def _take_four_classes(softmax, c, start, end, log_offset, first, second, minus_entropy, total, lowest, labels):  # type: ignore[no-untyped-def]
    """As `_take_class`, for `c` to `c + 3` at once: the accumulators are loaded and stored a quarter as often."""
    label_0, label_1, label_2, label_3 = np.int32(c), np.int32(c + 1), np.int32(c + 2), np.int32(c + 3)
    row_0, row_1 = softmax[c, start:end], softmax[c + 1, start:end]
    row_2, row_3 = softmax[c + 2, start:end], softmax[c + 3, start:end]
    for x in range(row_0.shape[0]):
        p_0, p_1, p_2, p_3 = row_0[x], row_1[x], row_2[x], row_3[x]
        one, two, best = first[x], second[x], labels[x]
        one, two, best = _rank(p_0, label_0, one, two, best)
        one, two, best = _rank(p_1, label_1, one, two, best)
        one, two, best = _rank(p_2, label_2, one, two, best)
        one, two, best = _rank(p_3, label_3, one, two, best)
        first[x], second[x], labels[x] = one, two, best
        low = lowest[x]
        low = p_0 if p_0 < low else low
        low = p_1 if p_1 < low else low
        low = p_2 if p_2 < low else low
        lowest[x] = p_3 if p_3 < low else low
        total[x] = total[x] + p_0 + p_1 + p_2 + p_3
        minus_entropy[x] += (
            p_0 * _log(p_0 + log_offset)
            + p_1 * _log(p_1 + log_offset)
            + p_2 * _log(p_2 + log_offset)
            + p_3 * _log(p_3 + log_offset)
        )


@njit(inline="always")
def _plain_tile(softmax, start, end, scale, minus_plain, plains):  # type: ignore[no-untyped-def]
    """Write the entropy without an offset of pixels start:end to `plains`; minus_plain: (TILE,) to work in."""
    classes = softmax.shape[0]
    in_fours = classes // 4 * 4
    minus_plain[:] = np.float32(0)
    for c in range(0, in_fours, 4):
        _add_four_plain(softmax, c, start, end, minus_plain)
    for c in range(in_fours, classes):
        _add_plain(softmax, c, start, end, minus_plain)
    for x in range(end - start):
        plains[x] = -minus_plain[x] * scale


@njit(inline="always")
def _add_plain(softmax, c, start, end, minus_entropy):  # type: ignore[no-untyped-def]
    """Add `p log p` of class `c`, as `_take_class` does without an offset; the tile is still in cache."""
    row = softmax[c, start:end]
    for x in range(row.shape[0]):
        minus_entropy[x] += row[x] * _log(row[x])


@njit(inline="always")
def _add_four_plain(softmax, c, start, end, minus_entropy):  # type: ignore[no-untyped-def]
    """As `_add_plain`, for `c` to `c + 3` at once, with the sum in the order of `_take_four_classes`."""
    row_0, row_1 = softmax[c, start:end], softmax[c + 1, start:end]
    row_2, row_3 = softmax[c + 2, start:end], softmax[c + 3, start:end]
    for x in range(row_0.shape[0]):
        minus_entropy[x] += (
            row_0[x] * _log(row_0[x])
            + row_1[x] * _log(row_1[x])
            + row_2[x] * _log(row_2[x])
            + row_3[x] * _log(row_3[x])
        )
