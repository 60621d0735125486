"""Who may call the routes of annotation tools: whoever may ask /v1, by bearer token or by basic auth's password."""

import binascii
from base64 import b64decode
from typing import Final

from fastapi import Request
from fastapi.security import HTTPAuthorizationCredentials

from raymeta.service.http.access_token import AccessToken

_MAX_HEADER: Final = 4096


class ToolAccess:
    """FastAPI dependency; Label Studio's form for a backend knows a user name and a password, no bearer token.

    Args:
        access: the rule of /v1.
    """

    def __init__(self, access: AccessToken) -> None:
        self._access = access

    def __call__(self, request: Request) -> None:
        """Raise RequestRefusedError 401 unless a valid token was sent."""
        kind, _, value = request.headers.get("authorization", "")[:_MAX_HEADER].partition(" ")
        if kind.lower() == "basic":
            value = _password(value.strip())
        sent = HTTPAuthorizationCredentials(scheme="Bearer", credentials=value.strip()) if value.strip() else None
        self._access(request, sent)


def _password(value: str) -> str:
    """The password in the value of basic authentication, as headers are read: Latin-1."""
    try:
        return b64decode(value, validate=True).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
