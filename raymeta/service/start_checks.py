"""What is looked at before a service starts, and what it says of who may do what."""

import os
import socket
from typing import Final

from raymeta.config import OracleConfig
from raymeta.datasets.registry import open_existing
from raymeta.errors import InputError
from raymeta.labels.annotator_list import ANNOTATORS_VARIABLE, load_annotators
from raymeta.runs.run_store import RunStore
from raymeta.runs.split import read_split
from raymeta.service.http.access_token import TOKEN_VARIABLE
from raymeta.service.settings import ServiceSettings

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
"""Hosts that only this machine reaches."""


def check_settings(settings: ServiceSettings) -> None:
    """Raise ValueError, with the remedy, for what would only fail inside the service."""
    store = RunStore(settings.run)
    config = store.load_config()
    open_existing(settings.dataset(config.dataset), config.seed)
    read_split(store)
    check_people(settings)


def check_people(settings: ServiceSettings) -> None:
    """Raise ValueError where the token is empty, or the list of people can't be read."""
    if settings.annotators is not None:
        load_annotators(settings.annotators)
    if settings.token is not None and not settings.token.strip():
        raise InputError(f"{TOKEN_VARIABLE} is empty: set a token, or unset the variable to serve without one")


def check_port(host: str, port: int) -> None:
    """Raise OSError where nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise OSError(f"nothing can listen at {host}:{port}: {error.strerror}; choose another --port") from error


def who_may(settings: ServiceSettings, host: str, oracle: OracleConfig) -> list[str]:
    """Who may read and who may answer what the run's `oracle` asks, in words."""
    lines = []
    if host not in LOOPBACK and settings.token is None and settings.annotators is None:
        lines.append(f"anyone who reaches this port can read: set {TOKEN_VARIABLE} to ask for a token")
    if oracle.kind != "people":
        return lines
    if settings.annotators is not None:
        names = ", ".join(each.name for each in load_annotators(settings.annotators).annotators) or "nobody yet"
        lines.append(f"tasks are answered by {names}, each with a token: {settings.annotators}")
    elif settings.local_person:
        lines.append("tasks are answered by whoever works at this machine, without a token, as 'local'")
        if oracle.double_share:
            lines.append(
                f"oracle.double_share {oracle.double_share:g} wants a second person's answer to some: `raymeta "
                "annotators add FILE --name NAME` makes the list of people, and --annotators FILE lets them in"
            )
    else:
        lines.append(
            "nobody may answer tasks here: `raymeta annotators add FILE --name NAME` makes the list of people, and "
            "--annotators FILE lets them"
        )
    return lines


def environment_token() -> str | None:
    """RAYMETA_TOKEN, None where it isn't set."""
    return os.environ.get(TOKEN_VARIABLE)


def environment_annotators() -> str | None:
    """RAYMETA_ANNOTATORS, None where it isn't set."""
    return os.environ.get(ANNOTATORS_VARIABLE) or None
