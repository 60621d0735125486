"""What OpenAPI says of routes beyond their types: bodies, media types, errors, examples."""

from typing import Any, Final

from raymeta.service.http.answers import ErrorAnswer

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}

HERE: Final = "http://127.0.0.1:8000"
"""In examples; `/docs` and `/openapi.json` write the address that they were asked at."""

ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    401: {"model": ErrorAnswer, "description": "the service has a token, and it wasn't sent"},
    404: {"model": ErrorAnswer, "description": "no such image, or no such iteration"},
    422: {"model": ErrorAnswer, "description": "parameters, or an image, that can't be used"},
    503: {"model": ErrorAnswer, "description": "busy, or nothing to serve yet: see Retry-After"},
}
UPLOAD_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    **ERRORS,
    400: {"model": ErrorAnswer, "description": "the connection closed before the body's end"},
    413: {"model": ErrorAnswer, "description": "too many bytes, or too many pixels"},
    415: {"model": ErrorAnswer, "description": "the body is neither an image nor multipart/form-data"},
}
MAP_CONTENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "the map; X-Raymeta-Scale: the value that 255 stands for in a grey PNG",
        "content": {
            "image/png": _BINARY,
            "application/x-npz": _BINARY,
            "application/json": {"schema": {"$ref": "#/components/schemas/MapAnswer"}},
        },
    }
}
PNG_CONTENT: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"image/png": _BINARY}}}
QUERY_CONTENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {
            "application/json": {},
            "application/geo+json": {"schema": {"type": "object"}},
            "text/csv": {"schema": {"type": "string"}},
        }
    }
}


def sample(command: str) -> dict[str, Any]:
    """`openapi_extra` with a shell command as the example."""
    return {"x-codeSamples": [{"lang": "Shell", "source": command}]}


def upload_body(with_mask: bool, command: str) -> dict[str, Any]:
    """`openapi_extra` of a route that takes an image, raw or as multipart/form-data; command: its example."""
    parts: dict[str, Any] = {"image": {"type": "string", "format": "binary", "description": "PNG or JPEG"}}
    if with_mask:
        parts["labelled_mask"] = {
            "type": "string",
            "format": "binary",
            "description": "PNG of the image's size, non-zero where it is labelled already",
        }
    form = {"schema": {"type": "object", "properties": parts, "required": ["image"]}}
    content = {"image/png": _BINARY, "image/jpeg": _BINARY, "multipart/form-data": form}
    return {"requestBody": {"required": True, "content": content}, **sample(command)}
