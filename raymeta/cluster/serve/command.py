"""`raymeta serve`: the service on a local Ray, or on a cluster, until it is told to stop."""

import logging
import os
import signal
import threading
from dataclasses import dataclass, replace
from types import FrameType

from rich.console import Console

from raymeta.cluster.connection import cluster_address, cluster_gpus, ray_connection
from raymeta.cluster.serve.start_progress import start_progress
from raymeta.errors import RunFailedError
from raymeta.local_files import absolute_location
from raymeta.runs.run_store import RunStore
from raymeta.service.settings import ServiceSettings, ServingLayout
from raymeta.service.start_checks import check_port, check_settings, who_may

APP = "raymeta"


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
        for line in who_may(settings, options.host, RunStore(settings.run).load_config().oracle):
            console.print(line, highlight=False, soft_wrap=True)
        console.print("Ctrl-C ends it", highlight=False)
        stop.wait()
        serve.delete(APP)  # waits for the requests under way; a local Ray ends with this process
    return 0


def check_service(settings: ServiceSettings, options: ServeOptions) -> None:
    """Raise ValueError or OSError, with the remedy, for what would only fail inside a replica."""
    check_settings(settings)
    if cluster_address(options.address) is None:
        check_port(options.host, options.port)


def _located(settings: ServiceSettings) -> ServiceSettings:
    """Settings that say where the data set is: raymeta 0.1 kept relative paths, and replicas may work elsewhere."""
    root = settings.dataset_root or RunStore(settings.run).load_config().dataset.root
    return replace(settings, dataset_root=absolute_location("dataset.root", root))


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
