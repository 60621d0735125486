"""The bearer token that /v1 asks for where the service was started with one."""

import hmac
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from raymeta.service.http.refusals import RequestRefusedError

TOKEN_VARIABLE = "RAYMETA_TOKEN"
_bearer = HTTPBearer(auto_error=False, description=f"The service's {TOKEN_VARIABLE}, where it has one")


class AccessToken:
    """FastAPI dependency; token: None lets everyone in."""

    def __init__(self, token: str | None) -> None:
        self._token = None if token is None else token.encode()

    def __call__(self, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        """Raise RequestRefusedError 401 unless the token was sent; compared in constant time."""
        if self._token is None:
            return
        # Headers arrive as bytes that were read as Latin-1: this gives the bytes back.
        offered = b"" if sent is None else sent.credentials.encode("latin-1", "replace")
        if not hmac.compare_digest(offered, self._token):
            raise RequestRefusedError(
                401,
                f"no valid token: send 'Authorization: Bearer …' with the service's {TOKEN_VARIABLE}",
                {"WWW-Authenticate": "Bearer"},
            )
