"""Image and label files: listing, complete decoding, resizing."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raymeta.datasets.sample import DatasetError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")

_DECODING_ERRORS = (
    OSError,
    SyntaxError,  # Pillow's word for a broken PNG
    ValueError,
    EOFError,
    IndexError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def read_image(path: Path) -> NDArray[np.uint8]:
    """Decode an image completely.

    Grey, palette, CMYK and YCbCr images become RGB; an alpha channel is dropped.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DatasetError: missing, truncated or unreadable file, or more than 8 bits a channel in one grey channel.
    """
    with _opened(path) as image:
        return _rgb(image, path)


def decode_image(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode the bytes of a PNG or JPEG file as `read_image` does; `name` is what messages call it.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DatasetError: other bytes, a truncated or damaged image, or more than 8 bits a channel in one grey channel.
    """
    with open_header(data, name) as image:
        return _rgb(image, name)


def open_header(data: bytes, name: str) -> Image.Image:
    """A PNG or JPEG image of which only the header is read: `size` and `mode` are known, no pixel is decoded.

    Raises:
        DatasetError: bytes of another format.
    """
    return _opened(io.BytesIO(data), name, formats=("PNG", "JPEG"))


def read_label_map(path: Path) -> NDArray[np.uint8]:
    """Decode a label file completely, values as stored (of a palette PNG: the palette index).

    Returns:
        (H, W) uint8.

    Raises:
        DatasetError: missing, truncated or unreadable file, or not one 8-bit channel.
    """
    with _opened(path) as image:
        if image.mode not in ("L", "P"):
            raise DatasetError(
                f"{path}: label map has mode {image.mode}: store one 8-bit channel (PNG of mode L or P), "
                "whose values are the label ids"
            )
        return np.array(_decoded(image, path), dtype=np.uint8)


def image_size(path: Path) -> tuple[int, int]:
    """Height and width in pixels, from the header alone. Raises DatasetError if it is missing or unreadable."""
    with _opened(path) as image:
        return image.height, image.width


def _opened(source: Path | io.BytesIO, name: str | None = None, formats: tuple[str, ...] | None = None) -> Image.Image:
    name = name or str(source)
    try:
        return Image.open(source, formats=formats)
    except FileNotFoundError:
        raise DatasetError(f"{name}: file is missing") from None
    except _DECODING_ERRORS as error:
        raise DatasetError(f"{name}: can't be read: {_reason(error)}") from error


def _rgb(image: Image.Image, name: Path | str) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of an opened image."""
    if image.mode.startswith(("I", "F")):
        raise DatasetError(f"{name}: image has mode {image.mode}: convert it to 8 bits a channel")
    return np.array(_decoded(image, name).convert("RGB"))


def _decoded(image: Image.Image, path: Path | str) -> Image.Image:
    try:
        image.load()
    except _DECODING_ERRORS as error:
        raise DatasetError(f"{path}: can't be decoded, damaged or truncated: {_reason(error)}") from error
    return image


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "no known image format"
    return str(error) or type(error).__name__


def list_images(folder: Path) -> dict[str, Path]:
    """Image files of a folder (PNG and JPEG) by their stem; other and hidden files are passed over.

    Raises:
        DatasetError: two files share a stem, or a name is not valid UTF-8; every one is named.
    """
    found: dict[str, Path] = {}
    faults = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in IMAGE_SUFFIXES:
            continue
        if not is_utf8(path.name):
            faults.append(f"{path.name!r} in {folder} is not valid UTF-8: rename it")
        elif path.stem in found:
            faults.append(f"{found[path.stem]} and {path.name} share the name {path.stem}: rename or remove one")
        else:
            found[path.stem] = path
    if faults:
        raise DatasetError("\n".join(faults))
    return found


def is_utf8(name: str) -> bool:
    """Whether a file name can be written as UTF-8, as image ids are in tables."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def resize_image(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize by area averaging. image: (h, w, 3) uint8. Returns (H, W, 3) uint8."""
    import cv2

    if image.shape[:2] == (height, width):
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def resize_label_map(label_map: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize by taking the pixel under each new pixel's centre. label_map: (h, w) uint8. Returns (H, W) uint8."""
    rows = _nearest(label_map.shape[0], height)
    columns = _nearest(label_map.shape[1], width)
    return np.ascontiguousarray(label_map[rows[:, None], columns])


def _nearest(old: int, new: int) -> NDArray[np.int64]:
    # Integers throughout: floor((i + 1/2)·old / new) without rounding.
    return (2 * np.arange(new, dtype=np.int64) + 1) * old // (2 * new)
