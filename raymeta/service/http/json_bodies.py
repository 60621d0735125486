"""JSON bodies: read within a limit, then checked by their model."""

from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from raymeta.field_faults import field_faults
from raymeta.service.http.refusals import RequestRefusedError, unprocessable
from raymeta.service.http.uploads import bounded_stream

Body = TypeVar("Body", bound=BaseModel)
MAX_FAULTS = 5
REFERENCE = "#/components/schemas/{model}"
"""Where `openapi_document` puts the parts of a body's schema."""


async def read_json(request: Request, model: type[Body], max_bytes: int, *, configured: bool = False) -> Body:
    """The body of a request; configured: whether the limit is that of --max-body-mb.

    Raises:
        RequestRefusedError: 413 too many bytes, 415 another content type, 422 not what the model says.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # a form of a foreign page can't send this one unasked
        raise RequestRefusedError(415, f"content type {kind[:80]!r}: send the body as application/json")
    data = b"".join([chunk async for chunk in bounded_stream(request, max_bytes, configured=configured)])
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        faults = field_faults(error, "body", model.model_fields)
        more = f"; and {len(faults) - MAX_FAULTS} more" if len(faults) > MAX_FAULTS else ""
        raise unprocessable("; ".join(faults[:MAX_FAULTS]) + more) from None


def json_body(model: type[BaseModel], command: str) -> dict[str, Any]:
    """`openapi_extra` of a route that takes such a body; command: its example."""
    content = {"application/json": {"schema": model.model_json_schema(ref_template=REFERENCE)}}
    return {
        "requestBody": {"required": True, "content": content},
        "x-codeSamples": [{"lang": "Shell", "source": command}],
    }
