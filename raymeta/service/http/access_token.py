"""Who may ask: the shared token that reads, and the tokens of people, who also write."""

import hmac
import logging
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from raymeta.labels.annotator_list import LOCAL_PERSON, AnnotatorList, AnnotatorListError, Person, load_annotators
from raymeta.service.http.refusals import RequestRefusedError
from raymeta.service.settings import ServiceSettings

TOKEN_VARIABLE = "RAYMETA_TOKEN"
_bearer = HTTPBearer(
    auto_error=False, description=f"The service's {TOKEN_VARIABLE}, where it has one, or a person's token"
)

logger = logging.getLogger("raymeta.service")


class AnnotatorFile:
    """The list of people, read again when the file changes; one that can't be read leaves the list as it was.

    Raises:
        AnnotatorListError: it can't be read at the start.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._list = load_annotators(path)
        self._stamp = self._stamped()

    def current(self) -> AnnotatorList:
        """The list as the file has it now."""
        stamp = self._stamped()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._list = load_annotators(self._path)
            except AnnotatorListError as error:
                logger.error("the annotators stay as they were: %s", error)
        return self._list

    def _stamped(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


class AccessToken:
    """FastAPI dependency: lets a request in, or not, and notes whose it is in `request.state.person`.

    Without a token of the service and without annotators everyone may read.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._token = None if settings.token is None else settings.token.encode()
        self._annotators = None if settings.annotators is None else AnnotatorFile(settings.annotators)
        self._anybody = LOCAL_PERSON if settings.local_person else None

    def __call__(
        self, request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> None:
        """Raise RequestRefusedError 401 unless a valid token was sent; compared in constant time."""
        # Headers arrive as bytes that were read as Latin-1: this gives the bytes back.
        offered = b"" if sent is None else sent.credentials.encode("latin-1", "replace")
        request.state.person = self._person(offered)
        if request.state.person is not None or (self._token is None and self._annotators is None):
            return
        if self._token is None or not hmac.compare_digest(offered, self._token):
            kinds = [f"the service's {TOKEN_VARIABLE}"] * (self._token is not None)
            kinds += ["a person's token"] * (self._annotators is not None)
            raise RequestRefusedError(
                401,
                f"no valid token: send 'Authorization: Bearer …' with {' or '.join(kinds)}",
                {"WWW-Authenticate": "Bearer"},
            )

    def _person(self, offered: bytes) -> Person | None:
        if self._annotators is None:
            return self._anybody if self._token is None else None
        return self._annotators.current().person(offered.decode("utf-8", "replace")) if offered else None
