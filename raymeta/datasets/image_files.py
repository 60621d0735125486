"""Image and label files: listing, complete decoding, resizing."""

import io
import struct
import unicodedata
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raymeta.datasets.data_paths import DataPath
from raymeta.datasets.png_chunks import has_tags_behind_pixels
from raymeta.datasets.remote_paths import RemotePath
from raymeta.datasets.sample import DatasetError, MissingFileError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
IMAGE_FORMATS: Final = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
LABEL_FORMATS: Final = ("PNG", "TIFF", "BMP")
"""JPEG and WebP change values."""

START_BYTES: Final = 1 << 16
"""Of a remote file that isn't on this machine: they hold the header."""

UPLOAD_FORMATS: Final = ("PNG", "JPEG")
GREY_BITS: Final = 16
_GREY_16: Final = ("I;16", "I;16B", "I;16L", "I;16N")
_EXIF_ORIENTATION = 0x0112

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


def read_image(path: DataPath, grey_bits: int = GREY_BITS) -> NDArray[np.uint8]:
    """Decode an image completely.

    The content decides, not the ending: PNG, JPEG, TIFF, WebP and BMP are read. Grey, palette, CMYK and YCbCr images
    become RGB; an alpha channel is dropped. Of 16 bits a colour channel the upper 8 are taken, of 16 bits grey the
    upper 8 of the lower `grey_bits`: the same in every image, so that brightness can be compared.

    Args:
        path: of the file.
        grey_bits: that a grey image of 16 bits uses, 8 to 16; many cameras store 12. Larger values become white.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DatasetError: missing, truncated or unreadable file, another format, several frames, an EXIF rotation, or more
            than 16 bits a channel.
    """
    content, name = _content(path), str(path)
    with _opened(content, IMAGE_FORMATS, name) as image:
        _require_upright(image, path)
        if image.mode in _GREY_16:
            values = np.array(_decoded(image, content, name), dtype=np.uint16) >> (grey_bits - 8)
            grey = np.minimum(values, 255).astype(np.uint8)
            return np.repeat(grey[:, :, None], 3, axis=2)
        return _rgb(image, content, name)


def decode_image(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode the bytes of a PNG or JPEG file, pixels as stored whatever its EXIF tag says; `name` is for messages.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DatasetError: other bytes, a damaged or animated image, or more than 8 bits a channel in one grey channel.
    """
    with open_header(data, name) as image:
        return _rgb(image, data, name)


def open_header(data: bytes, name: str) -> Image.Image:
    """A PNG or JPEG image of which only the header is read: `size` and `mode` are known, no pixel is decoded.

    Raises:
        DatasetError: bytes of another format, or an animation.
    """
    return _opened(data, UPLOAD_FORMATS, name)


def read_label_map(path: DataPath) -> NDArray[np.uint8]:
    """Decode a label file completely, values as stored (of a palette: the index).

    Returns:
        (H, W) uint8.

    Raises:
        DatasetError: missing, truncated or unreadable file, no PNG, TIFF or BMP (JPEG and WebP change values), several
            frames, or not one channel of values 0 to 255.
    """
    content, name = _content(path), str(path)
    with _opened(content, LABEL_FORMATS, name) as image:
        _require_labels(image, path)
        if image.mode in _GREY_16:
            values = np.array(_decoded(image, content, name), dtype=np.uint16)
            if (largest := int(values.max(initial=0))) > 255:
                raise DatasetError(f"{path}: label map holds the value {largest}: store label ids 0 to 255")
            return values.astype(np.uint8)
        factor = _grey_factor(content) if image.mode == "L" and image.format == "PNG" else 1
        return np.array(_decoded(image, content, name), dtype=np.uint8) // np.uint8(factor)


@dataclass(frozen=True)
class ImageHeader:
    """height, width: pixels. kind: channels and bits in words, as `8-bit RGB`."""

    height: int
    width: int
    kind: str


def image_header(path: DataPath) -> ImageHeader:
    """Size and kind of an image, from the header alone.

    Raises:
        DatasetError: missing or unreadable file, another format, several frames, or an EXIF rotation.
    """
    content = _content(path)
    with _opened(content, IMAGE_FORMATS, str(path)) as image:
        # Pillow decodes a whole PNG to look for tags behind the pixels, where hardly any file has some.
        if image.format != "PNG" or "exif" in image.info or has_tags_behind_pixels(content):
            _require_upright(image, path)
        return ImageHeader(image.height, image.width, _kind(image))


def label_header(path: DataPath) -> ImageHeader:
    """Size and kind of a label map, from the header alone.

    Raises:
        DatasetError: missing or unreadable file, or one that can't be a label map.
    """
    with _opened(_content(path), LABEL_FORMATS, str(path)) as image:
        _require_labels(image, path)
        return ImageHeader(image.height, image.width, _kind(image))


def image_size(path: DataPath) -> tuple[int, int]:
    """Height and width in pixels, from the header alone. Raises DatasetError if it is missing or unreadable."""
    if isinstance(path, RemotePath):
        with suppress(DatasetError), _opened(_remote(path, START_BYTES), IMAGE_FORMATS, str(path)) as image:
            return image.height, image.width
    with _opened(_content(path), IMAGE_FORMATS, str(path)) as image:
        return image.height, image.width


def _content(path: DataPath) -> Path | bytes:
    """A local path as it is, which Pillow reads as far as it must; of a remote file its bytes."""
    return path if isinstance(path, Path) else _remote(path)


def _remote(path: DataPath, start: int | None = None) -> bytes:
    """Bytes of a remote file, or those that it starts with. Raises DatasetError if it is missing or unreachable."""
    try:
        return path.read_start(start) if start is not None and isinstance(path, RemotePath) else path.read_bytes()
    except FileNotFoundError:
        raise MissingFileError(path) from None


def _require_upright(image: Image.Image, path: DataPath) -> None:
    if (turned := _exif_orientation(image)) not in (0, 1):
        raise DatasetError(
            f"{path}: EXIF orientation {turned}: viewers show it turned, so who draws on it or has drawn its label map "
            "may see other pixels than the network: store it upright without that tag, as `mogrify -auto-orient FILE` "
            "of ImageMagick does"
        )


def _require_labels(image: Image.Image, path: DataPath) -> None:
    if image.mode not in ("L", "P", "1", *_GREY_16):
        raise DatasetError(
            f"{path}: label map has mode {image.mode}: store one channel (mode L or P), whose values are the label "
            "ids; of a map in class colours, the id of each colour"
        )
    if image.format == "TIFF":
        _require_upright(image, path)


def _kind(image: Image.Image) -> str:
    """Channels and bits in words."""
    if image.mode in _GREY_16:
        return "16-bit grey"
    names = {"L": "8-bit grey", "1": "1-bit", "P": "palette", "LA": "8-bit grey with alpha", "RGBA": "RGB with alpha"}
    return names.get(image.mode, "8-bit RGB" if image.mode == "RGB" else image.mode)


def _exif_orientation(image: Image.Image) -> int:
    """1 where it is upright or nothing is said."""
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except (*_DECODING_ERRORS, TypeError, KeyError):
        return 1  # a broken tag says nothing


def _grey_factor(source: Path | bytes) -> int:
    """By how much Pillow spreads the values of a grey PNG of 2 or 4 bits, so that its white is 255."""
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
        bits, color_type = stream.read(26)[24:]
    return {2: 85, 4: 17}.get(bits, 1) if color_type == 0 else 1


def _opened(source: Path | bytes, formats: tuple[str, ...], name: str | None = None) -> Image.Image:
    """The image with its header read. Other formats aren't even tried: some of their decoders start programs."""
    name = name or str(source)
    try:
        if isinstance(source, Path) and source.exists() and not source.is_file():
            raise DatasetError(f"{name}: isn't a regular file: put an image there")
        image = Image.open(source if isinstance(source, Path) else io.BytesIO(source), formats=formats)
    except DatasetError:
        raise
    except FileNotFoundError:
        raise MissingFileError(source if isinstance(source, Path) else Path(name)) from None
    except _DECODING_ERRORS as error:
        wanted = f"{', '.join(formats[:-1])} or {formats[-1]}"
        raise DatasetError(f"{name}: can't be read: {_reason(error, wanted)}") from error
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "JPEG":
        image.close()
        what = "file of {} pages" if image.format == "TIFF" else "animation of {} frames"
        raise DatasetError(f"{name}: {what.format(frames)}: store one picture a file")
    return image


def _rgb(image: Image.Image, source: Path | bytes, name: str | None = None) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of an opened image."""
    if image.mode.startswith(("I", "F")):
        raise DatasetError(f"{name or source!s}: image has mode {image.mode}: convert it to 8 bits a channel")
    return np.array(_decoded(image, source, name).convert("RGB"))


def _decoded(image: Image.Image, source: Path | bytes, name: str | None = None) -> Image.Image:
    try:
        if image.format == "PNG":
            # Loading passes over the checksums of pixel data; verifying uses an opened image up.
            with Image.open(source if isinstance(source, Path) else io.BytesIO(source), formats=("PNG",)) as again:
                again.verify()
        image.load()
    except _DECODING_ERRORS as error:
        raise DatasetError(
            f"{name or source!s}: can't be decoded, damaged or truncated: {_reason(error, '')}"
        ) from error
    return image


def _reason(error: Exception, wanted: str) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return f"no {wanted} file; convert it" if wanted else "no known image format"
    if str(error) == "unknown pixel mode":
        return "its number of channels or bits isn't supported; store three channels of 8 bits, or one"
    return str(error) or type(error).__name__


def list_images(folder: DataPath) -> dict[str, DataPath]:
    """Image files of a folder, told by their endings, by their stem; other and hidden files are passed over.

    Raises:
        DatasetError: two files share a stem, however it is written in Unicode, or a name can't be an image id; every
            one is named.
    """
    found: dict[str, DataPath] = {}
    seen: dict[str, DataPath] = {}
    faults = []
    for path in sorted(folder.iterdir()):
        if not is_image_name(path.name):
            continue
        same = seen.get(canonical_name(path.stem))
        if fault := name_fault(path.name):
            faults.append(f"{path.name!r} in {folder} {fault}: rename it")
        elif same is not None:
            faults.append(f"{same} and {path.name} share the name {path.stem}: rename or remove one")
        else:
            found[path.stem] = seen[canonical_name(path.stem)] = path
    if faults:
        raise DatasetError("\n".join(faults))
    return found


def is_image_name(name: str) -> bool:
    """Whether a file name ends as images do; hidden files are none."""
    return not name.startswith(".") and name.lower().endswith(IMAGE_SUFFIXES)


def canonical_name(name: str) -> str:
    """A file name in composed Unicode: some systems store é as e and an accent."""
    return unicodedata.normalize("NFC", name)


def name_fault(name: str) -> str | None:
    """Why a file name can't be an image id in tables, reports and terminals; None if it can."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is not valid UTF-8"
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in name):
        return "holds a control character"
    return None


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
