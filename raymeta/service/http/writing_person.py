"""Who may write: a person with the role, from the service's own page or from a program, never from a foreign page."""

from collections.abc import Collection
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request

from raymeta.labels.annotator_list import LOCAL_PERSON, Person, Role
from raymeta.service.http.refusals import RequestRefusedError
from raymeta.service.http.service_state import ServiceState, State
from raymeta.service.tasks.task_service import SIMULATED

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})


def asking_person(request: Request) -> Person | None:
    """Whose token was sent; None for readers."""
    person: Person | None = request.state.person
    return person


def why_read_only(person: Person | None, state: ServiceState) -> str | None:
    """Why somebody can't write, and the remedy; None where they can."""
    if person is not None:
        return None
    if not state.task_reader.asks_people:
        return SIMULATED
    if state.settings.annotators is not None:
        return "the shared token only reads: send your own, that `raymeta annotators add` printed"
    return (
        "nobody may write here: name the people who may with `raymeta annotators add FILE --name NAME`, then start the "
        "service with --annotators FILE"
    )


class WritingPerson:
    """FastAPI dependency: the person who writes, with a role."""

    def __init__(self, role: Role) -> None:
        self._role = role

    def __call__(self, request: Request, state: State) -> Person:
        """Raise RequestRefusedError 403 unless the person has the role, and no foreign page sent the request."""
        person = asking_person(request)
        reason = why_read_only(person, state)
        if person is None or reason is not None:
            raise RequestRefusedError(403, str(reason))
        if not person.may(self._role):
            roles = ", ".join(sorted(person.roles))
            raise RequestRefusedError(
                403,
                f"{person.name} has the role {roles}, and this needs {self._role}: `raymeta annotators add` gives it",
            )
        _refuse_foreign_pages(request, person, state.settings.cors_origins)
        return person


def _refuse_foreign_pages(request: Request, person: Person, let_in: Collection[str]) -> None:
    """Whoever needs no token must not be used by a page of another site that is open in the same browser.

    let_in: origins that the service names; with a token, their pages may write too.
    """
    headers = request.headers
    hosts = {headers.get("host", ""), headers.get("x-forwarded-host", "")} - {""}
    origin = headers.get("origin")
    if origin in let_in and person != LOCAL_PERSON:
        return
    if origin is not None and urlsplit(origin).netloc not in hosts:
        raise RequestRefusedError(403, f"sent by a page of {origin[:200]}: only the service's own page may write")
    if headers.get("sec-fetch-site", "none") not in _OWN_SITES:
        raise RequestRefusedError(403, "sent by a page of another site: only the service's own page may write")
    if person == LOCAL_PERSON and _host_name(headers.get("host", "")) not in _LOOPBACK:
        # A name of somebody else's that points to this machine makes a foreign page look like our own.
        raise RequestRefusedError(403, "without a token only http://127.0.0.1 or http://localhost may write")


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


Annotating = Annotated[Person, Depends(WritingPerson("annotate"))]
Reviewing = Annotated[Person, Depends(WritingPerson("review"))]
