"""Uploaded images: read within limits, and looked at by their header before anything is decoded."""

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass

from fastapi import Request
from PIL import Image
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from raymeta.datasets.image_files import open_header
from raymeta.datasets.sample import DatasetError
from raymeta.service.http.refusals import RequestRefusedError, too_large, unprocessable

IMAGE_PART = "image"
MASK_PART = "labelled_mask"
KIBI = 1024
MEBI = 1024 * KIBI


@dataclass(frozen=True)
class UploadLimits:
    """max_body_bytes: of the whole body. max_pixels: of an image."""

    max_body_bytes: int
    max_pixels: int


@dataclass(frozen=True)
class Upload:
    """Encoded PNG or JPEG files whose headers are sound; labelled_mask: None unless sent."""

    image: bytes
    labelled_mask: bytes | None = None


async def read_upload(request: Request, limits: UploadLimits, with_mask: bool = True) -> Upload:
    """The image of a request, sent raw or as multipart/form-data.

    Raises:
        RequestRefusedError: 413 too many bytes or pixels, 415 another content type, 422 anything else that is no image.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        upload = await _read_parts(request, limits, with_mask)
    elif kind.startswith("image/") or kind == "application/octet-stream":
        upload = Upload(await _read_body(request, limits))
    else:
        raise RequestRefusedError(
            415, f"content type {kind[:80]!r}: send a PNG or JPEG as image/png, image/jpeg or multipart/form-data"
        )
    size = check_header(upload.image, IMAGE_PART, limits)
    if upload.labelled_mask is None:
        return upload
    if check_header(upload.labelled_mask, MASK_PART, limits) != size:
        raise unprocessable(f"{MASK_PART} has another size than the image of {size[1]}×{size[0]}: send it at that size")
    with open_header(upload.labelled_mask, MASK_PART) as mask:
        if mask.format != "PNG":
            raise unprocessable(
                f"{MASK_PART} is a {mask.format}, whose noise around edges would count as labelled: send it as PNG"
            )
    return upload


def check_header(data: bytes, name: str, limits: UploadLimits) -> tuple[int, int]:
    """Width and height of an encoded image, without decoding it.

    Raises:
        RequestRefusedError: 413 too many pixels, 422 no PNG or JPEG.
    """
    if not data:
        raise unprocessable(f"{name} is empty: send the bytes of a PNG or JPEG file")
    try:
        with open_header(data, name) as image:
            width, height = image.size
    except DatasetError as error:
        if isinstance(error.__cause__, Image.DecompressionBombError):
            raise too_large(f"{name}: {error.__cause__}: at most {limits.max_pixels} pixels are taken") from error
        raise unprocessable(f"{error}: send a PNG or JPEG file") from error
    if width * height > limits.max_pixels:
        raise too_large(
            f"{name} has {width}×{height} = {width * height} pixels, at most {limits.max_pixels} are taken: "
            "send a smaller image, or start the service with a larger --max-megapixels"
        )
    return width, height


async def _read_body(request: Request, limits: UploadLimits) -> bytes:
    return b"".join([chunk async for chunk in bounded_stream(request, limits.max_body_bytes, configured=True)])


async def bounded_stream(request: Request, max_bytes: int, *, configured: bool = False) -> AsyncGenerator[bytes, None]:
    """Chunks of the body; stops with 413 by Content-Length before the first, else by count.

    configured: whether the limit is that of --max-body-mb.
    """
    limit = f"{max_bytes / MEBI:.3g} MiB" if max_bytes >= MEBI else f"{max_bytes / KIBI:.3g} KiB"
    remedy = ", or start the service with a larger --max-body-mb" if configured else ""
    refused = too_large(f"the body has more than {limit}: send a smaller one{remedy}")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > max_bytes:
        raise refused
    read = 0
    try:
        async for chunk in request.stream():
            read += len(chunk)
            if read > max_bytes:
                raise refused
            yield chunk
    except ClientDisconnect as error:
        raise RequestRefusedError(
            400, f"the connection closed after {read} bytes of the body: send all of it"
        ) from error


def _part_fault(name: str, value: UploadFile | str, allowed: Collection[str], read: Collection[str]) -> str | None:
    """Why a part of a form can't be taken, and the remedy; None for one that can."""
    if name not in allowed:
        return f"isn't known: this takes {' and '.join(map(repr, sorted(allowed)))}"
    if name in read:
        return "comes twice: send it once"
    return None if isinstance(value, UploadFile) else "is text: send a file, as `curl -F name=@file` does"


async def _read_parts(request: Request, limits: UploadLimits, with_mask: bool) -> Upload:
    allowed = {IMAGE_PART, MASK_PART} if with_mask else {IMAGE_PART}
    stream = bounded_stream(request, limits.max_body_bytes, configured=True)
    try:
        form = await MultiPartParser(request.headers, stream, max_files=4, max_fields=4).parse()
    except (MultiPartException, KeyError) as error:
        reason = error.message if isinstance(error, MultiPartException) else "it names no boundary"
        raise unprocessable(
            f"the multipart body can't be read: {reason}: send the image as part {IMAGE_PART!r}"
        ) from error
    try:
        parts: dict[str, bytes] = {}
        for name, value in form.multi_items():
            if fault := _part_fault(name, value, allowed, parts):
                raise unprocessable(f"part {name[:80]!r} {fault}")
            assert isinstance(value, UploadFile)
            parts[name] = await value.read()
    finally:
        await form.close()
    if IMAGE_PART not in parts:
        raise unprocessable(f"the multipart body has no part {IMAGE_PART!r}: send the PNG or JPEG file under that name")
    return Upload(parts[IMAGE_PART], parts.get(MASK_PART))
