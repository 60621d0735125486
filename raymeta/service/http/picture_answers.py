"""Pictures of image files: asked for again each time, and neither decoded nor sent to who has them."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping

from fastapi import Request, Response

from raymeta import __version__
from raymeta.config import DatasetConfig
from raymeta.service.http.http_answers import REVALIDATE, content_etag, knows

PNG = "image/png"


def picture_etag(file_sha256: str | None, dataset: DatasetConfig, *part: object) -> str | None:
    """ETag of a picture by what it is made from: task ids and image ids of two runs are often alike, these never.

    Args:
        file_sha256: of the image file; None where it can't be read.
        dataset: says how pixels become a picture.
        part: which part of the image, in which size.

    Returns:
        None where nothing tells the content.
    """
    if file_sha256 is None:
        return None
    made_of = repr((__version__, file_sha256, dataset.model_dump_json(), part))
    return f'"{hashlib.sha256(made_of.encode()).hexdigest()[:32]}"'


async def respond_picture(
    request: Request, etag: str | None, make: Callable[[], Awaitable[bytes]], headers: Mapping[str, str]
) -> Response:
    """A PNG, or a 304 before it is made.

    Args:
        request: that asks.
        etag: of `picture_etag`; None is that of the content.
        make: the PNG.
        headers: of both.

    Raises:
        RequestRefusedError: from `make`.
    """
    sent = {**headers, "Cache-Control": REVALIDATE, "X-Content-Type-Options": "nosniff"}
    png = None
    if etag is None:
        png = await make()
        etag = content_etag(png)
    sent["ETag"] = etag
    if knows(request, etag):
        return Response(status_code=304, headers=sent)
    return Response(await make() if png is None else png, media_type=PNG, headers=sent)
