"""`raymeta serve`: the service on a local Ray, or on a cluster, until it is told to stop."""

import logging
import os
import signal
import socket
import threading
from dataclasses import dataclass, replace
from types import FrameType

from rich.console import Console

from raymeta.cluster.connection import cluster_address, cluster_gpus, ray_connection
from raymeta.cluster.serve.start_progress import start_progress
from raymeta.datasets.registry import open_existing
from raymeta.errors import InputError, RunFailedError
from raymeta.labels.annotator_list import ANNOTATORS_VARIABLE, load_annotators
from raymeta.local_files import absolute_location
from raymeta.runs.run_store import RunStore
from raymeta.runs.split import read_split
from raymeta.service.http.access_token import TOKEN_VARIABLE
from raymeta.service.settings import ServiceSettings, ServingLayout

APP = "raymeta"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Hosts that only this machine reaches."""


class ServingFailedError(RunFailedError):
    """Ray Serve could not start the service; the message holds its reason."""


@dataclass(frozen=True)
class ServeOptions:
    """Options of the command. address: Ray cluster; None takes RAY_ADDRESS, else a local Ray."""

    host: str = "127.0.0.1"
    port: int = 8000
    address: str | None = None


def run_service(settings: ServiceSettings, layout: ServingLayout, options: ServeOptions, console: Console) -> int:
    """Serve a run until SIGINT or SIGTERM.

    Raises:
        ValueError: no run, no data set, or numbers that can't be used.
        OSError: the port is taken.
        ServingFailedError: Ray Serve gave up.
    """
    check_service(settings, options)
    settings = _located(settings)
    stop = threading.Event()
    _stop_on_signals(stop)
    # Serve kills an HTTP process that needs 5 seconds to start three times: too few on a busy machine.
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "30")
    where = cluster_address(options.address)
    console.print("starting Ray …" if where is None else f"connecting to Ray at {where} …", highlight=False)
    with ray_connection(options.address):
        from ray import serve
        from ray.exceptions import RayError

        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        from raymeta.cluster.serve.deployment import priority_map_service

        local = where is None
        app = priority_map_service(settings, layout, cluster_gpus() > 0)
        console.print(
            f"starting {layout.ingresses} HTTP processes and the scoring of images …", highlight=False, soft_wrap=True
        )
        try:
            with start_progress(console, APP):
                serve.start(
                    proxy_location="HeadOnly" if local else "EveryNode",
                    http_options={"host": options.host, "port": options.port, "request_timeout_s": 300},
                )
                serve.run(app, name=APP, route_prefix="/")
        except (RuntimeError, RayError) as error:
            raise ServingFailedError(f"the service could not start: {error}\n{_reasons()}") from error
        _stop_on_signals(stop)  # again: Ray has put handlers of its own in their place, which abort
        console.print(f"{settings.run} at http://{options.host}:{options.port}", highlight=False, soft_wrap=True)
        for line in _who_may(settings, options):
            console.print(line, highlight=False, soft_wrap=True)
        console.print("Ctrl-C ends it", highlight=False)
        stop.wait()
        serve.delete(APP)  # waits for the requests under way; a local Ray ends with this process
    return 0


def check_service(settings: ServiceSettings, options: ServeOptions) -> None:
    """Raise ValueError or OSError, with the remedy, for what would only fail inside a replica."""
    store = RunStore(settings.run)
    config = store.load_config()
    open_existing(settings.dataset(config.dataset), config.seed)
    read_split(store)
    if settings.annotators is not None:
        load_annotators(settings.annotators)
    if settings.token is not None and not settings.token.strip():
        raise InputError(f"{TOKEN_VARIABLE} is empty: set a token, or unset the variable to serve without one")
    if cluster_address(options.address) is None:
        check_port(options.host, options.port)


def _who_may(settings: ServiceSettings, options: ServeOptions) -> list[str]:
    """Who may read and who may answer, in words."""
    lines = []
    if options.host not in LOOPBACK and settings.token is None and settings.annotators is None:
        lines.append(f"anyone who reaches this port can read: set {TOKEN_VARIABLE} to ask for a token")
    if RunStore(settings.run).load_config().oracle.kind != "people":
        return lines
    if settings.annotators is not None:
        names = ", ".join(each.name for each in load_annotators(settings.annotators).annotators) or "nobody yet"
        lines.append(f"tasks are answered by {names}, each with a token: {settings.annotators}")
    elif settings.local_person:
        lines.append("tasks are answered by whoever works at this machine, without a token, as 'local'")
    else:
        lines.append(
            "nobody may answer tasks here: `raymeta annotators add FILE --name NAME` makes the list of people, and "
            "--annotators FILE lets them"
        )
    return lines


def _located(settings: ServiceSettings) -> ServiceSettings:
    """Settings that say where the data set is: raymeta 0.1 kept relative paths, and replicas may work elsewhere."""
    root = settings.dataset_root or RunStore(settings.run).load_config().dataset.root
    return replace(settings, dataset_root=absolute_location("dataset.root", root))


def check_port(host: str, port: int) -> None:
    """Raise OSError where nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise OSError(f"nothing can listen at {host}:{port}: {error.strerror}; choose another --port") from error


def environment_token() -> str | None:
    """RAYMETA_TOKEN, None where it isn't set."""
    return os.environ.get(TOKEN_VARIABLE)


def environment_annotators() -> str | None:
    """RAYMETA_ANNOTATORS, None where it isn't set."""
    return os.environ.get(ANNOTATORS_VARIABLE) or None


def _reasons() -> str:
    """The last line of what each failed deployment says."""
    from ray import serve

    application = serve.status().applications.get(APP)
    deployments = {} if application is None else application.deployments
    lines = [
        f"{name}: {deployment.message.strip().splitlines()[-1]}"
        for name, deployment in deployments.items()
        if deployment.message.strip()
    ]
    return "\n".join(lines)


def _stop_on_signals(stop: threading.Event) -> None:
    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
