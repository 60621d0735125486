"""The one box format of the project: square, half-open, in pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raymeta.argument_checks import whole_number
from raymeta.errors import InputError


@dataclass(frozen=True, order=True)
class Box:
    """Pixels `top : top + width` and `left : left + width` of an image (docs/method.md#box).

    Raises:
        ValueError: a negative corner, a width below 1, or numbers that aren't whole.
    """

    top: int
    left: int
    width: int

    def __post_init__(self) -> None:
        for side, least in (("top", 0), ("left", 0), ("width", 1)):
            value = whole_number(f"box {side}", getattr(self, side), least)
            object.__setattr__(self, side, value)  # a plain int: numpy's small integers overflow in sums

    @property
    def bottom(self) -> int:
        """First row below the box."""
        return self.top + self.width

    @property
    def right(self) -> int:
        """First column to the right of the box."""
        return self.left + self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slice: `image[box.slices]` are the pixels of the box."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def overlaps(self, other: "Box") -> bool:
        """Whether the two boxes of one image share a pixel."""
        return (
            self.top < other.bottom and other.top < self.bottom and self.left < other.right and other.left < self.right
        )

    def fits(self, height: int, width: int) -> bool:
        """Whether the box lies inside an image of `height` × `width` pixels."""
        return self.bottom <= height and self.right <= width


def check_inside(box: Box, height: int, width: int) -> None:
    """Raise ValueError unless this is a `Box` inside an image of `height` × `width` pixels."""
    if not isinstance(box, Box):
        raise InputError(f"box {box!r} is a {type(box).__name__}: give Box(top, left, width)")
    if not box.fits(height, width):
        raise InputError(f"{box} reaches outside the image of {height}×{width} pixels: choose a box inside it")


def check_box_width(box_width: int, height: int, width: int) -> None:
    """Raise ValueError unless this is a whole number and such a box fits into an image of `height` × `width` pixels."""
    whole_number("box_width", box_width, least=1)
    for side, pixels in (("height", height), ("width", width)):
        if box_width > pixels:
            raise InputError(f"box_width {box_width} exceeds the image {side} {pixels}: choose at most {pixels}")


def boxes_mask(boxes: list[Box], height: int, width: int) -> NDArray[np.bool_]:
    """Union of boxes as a mask.

    Returns:
        (H, W) bool, True inside at least one box; parts outside the image are cut off.
    """
    mask = np.zeros((height, width), dtype=bool)
    for box in boxes:
        mask[box.slices] = True
    return mask


def pack_mask(mask: NDArray[np.bool_]) -> bytes:
    """The pixels of a box as bytes, a bit a pixel, row by row.

    mask: (b, b) bool.
    """
    return np.packbits(mask).tobytes()


def unpack_mask(packed: bytes, width: int) -> NDArray[np.bool_]:
    """The mask that `pack_mask` packed.

    Args:
        packed: a bit a pixel.
        width: of the box, b, in pixels.

    Returns:
        (b, b) bool.

    Raises:
        ValueError: bytes of another box.
    """
    if len(packed) != -(-width * width // 8):
        raise InputError(f"a mask of {len(packed)} bytes isn't that of a box of {width}×{width} pixels")
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=width * width)
    return bits.astype(bool).reshape(width, width)
