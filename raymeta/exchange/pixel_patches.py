"""PNG patches inside other files, and PNG files of whole pictures: checked before they are decoded."""

import base64
import binascii
import io
import struct
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raymeta.exchange.drawn_pictures import DrawnPicture
from raymeta.exchange.errors import ExchangeError, ShapeFault
from raymeta.exchange.limits import MAX_PICTURE_PIXELS, MAX_PNG_BYTES

_DECODING_ERRORS: Final = (
    OSError,
    SyntaxError,  # Pillow's word for a broken PNG
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    TypeError,
    AttributeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def decode_patch(data: bytes, picture: DrawnPicture) -> NDArray[np.bool_]:
    """The mask in the bytes of a PNG: pixels that are set, or opaque where it has an alpha channel.

    Returns:
        (h, w) bool.

    Raises:
        ExchangeError: larger than its picture.
        ShapeFault: no sound PNG.
    """
    image = _opened(data)
    picture.check_mask(image.height, image.width)
    values = _decoded(image, data)
    if "A" in image.mode or "transparency" in image.info:
        return np.asarray(values.convert("RGBA"))[:, :, 3] > 0
    if image.mode == "P":
        return np.asarray(values) > 0
    return np.asarray(values.convert("L")) > 0


def decode_colors(data: bytes, name: str) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of a PNG file of a bounded size; raises ExchangeError for others."""
    try:
        image = _opened(data)
        if image.width * image.height > MAX_PICTURE_PIXELS:
            raise ShapeFault(f"has {image.width}×{image.height} px: at most {MAX_PICTURE_PIXELS} px are read")
        return np.asarray(_decoded(image, data).convert("RGB"))
    except ShapeFault as fault:
        raise ExchangeError(f"{name}: {fault}") from None


def encode_png(pixels: NDArray[np.uint8] | NDArray[np.bool_]) -> bytes:
    """Bytes of a PNG: (H, W) or (H, W, 3) uint8; of (H, W) bool, set pixels are 255."""
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def from_base64(text: str) -> bytes:
    """Decode base64; raises ShapeFault."""
    if len(text) > MAX_PNG_BYTES * 4 // 3 + 4:
        raise ShapeFault(f"holds a picture of more than {MAX_PNG_BYTES >> 20} MiB")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ShapeFault("holds a picture that isn't base64") from None


def unzipped(data: bytes) -> bytes:
    """Decompress zlib data of a bounded size; raises ShapeFault."""
    try:
        stream = zlib.decompressobj()
        content = stream.decompress(data, MAX_PNG_BYTES)
    except zlib.error:
        raise ShapeFault("holds a bitmap that isn't zlib data") from None
    if stream.unconsumed_tail:
        raise ExchangeError(f"a bitmap unpacks to more than {MAX_PNG_BYTES >> 20} MiB: the file isn't read")
    return content


def _opened(data: bytes) -> Image.Image:
    if len(data) > MAX_PNG_BYTES:
        raise ShapeFault(f"holds a picture of more than {MAX_PNG_BYTES >> 20} MiB")
    try:
        image = Image.open(io.BytesIO(data), formats=("PNG",))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ExchangeError("holds a PNG of more pixels than any picture: the file isn't read") from None
    except _DECODING_ERRORS:
        raise ShapeFault("holds a picture that isn't a PNG") from None
    if getattr(image, "n_frames", 1) > 1:
        raise ShapeFault("holds an animation instead of a picture")
    return image


def _decoded(image: Image.Image, data: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as again:
            again.verify()  # the checksums of pixel data, which loading passes over; it uses an opened image up
        image.load()
    except _DECODING_ERRORS as error:
        raise ShapeFault(f"holds a damaged PNG: {str(error)[:80] or type(error).__name__}") from None
    return image
