"""`serve`: a run over HTTP."""

import argparse
import re
from typing import Any

from rich.console import Console

from raymeta.cli.options import add_address, add_command, add_dataset_root, dataset_root
from raymeta.config import ConfigError
from raymeta.local_files import absolute_location


def add_commands(commands: Any) -> None:
    """Add it to the parser."""
    text = "the page where people label and look at the run, and priority maps over HTTP"
    serve = add_command(
        commands, "serve", text, "serve runs/demo/superpixels", "serve runs/mine --port 8080 --replicas 2"
    )
    _add_service(serve)
    add_address(serve)
    serve.set_defaults(command=_serve)


def _add_service(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="run folder; new iterations go live by themselves")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s: this machine alone)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen at (%(default)s)")
    parser.add_argument("--replicas", type=int, default=1, help="scoring replicas at most (%(default)s)")
    parser.add_argument("--ingresses", type=int, default=2, help="HTTP processes (%(default)s)")
    parser.add_argument("--queue", type=int, default=32, help="requests that wait before it answers 503 (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of a network pass (%(default)s)")
    parser.add_argument("--max-body-mb", type=float, default=32.0, help="largest upload, MiB (%(default)s)")
    parser.add_argument("--max-megapixels", type=float, default=4.2, help="largest uploaded image (%(default)s)")
    add_dataset_root(parser)
    parser.add_argument(
        "--annotators",
        metavar="FILE",
        help="people who may label, from `raymeta annotators`; RAYMETA_ANNOTATORS",
    )
    parser.add_argument("--access-log", metavar="FILE", help="one JSON line a request (stderr of the HTTP processes)")
    parser.add_argument(
        "--cors-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="pages of this origin may ask from a browser, as https://example.org (several: once each; * any)",
    )
    parser.epilog = f"{parser.epilog}\n\nRAYMETA_TOKEN, where it is set, is the bearer token that /v1 asks for."


def _serve(options: argparse.Namespace) -> int:
    from raymeta.cluster.serve.command import ServeOptions, run_service
    from raymeta.service.settings import ServiceSettings, ServingLayout
    from raymeta.service.start_checks import LOOPBACK, environment_annotators, environment_token

    for name in ("replicas", "ingresses", "queue", "threads", "max_body_mb", "max_megapixels"):
        if not getattr(options, name) > 0:
            raise ConfigError(f"--{name.replace('_', '-')} {getattr(options, name)}: choose more than 0")
    if not 1 <= options.port <= 65535:
        raise ConfigError(f"--port {options.port}: choose 1 to 65535")
    annotators, token = options.annotators or environment_annotators(), environment_token()
    settings = ServiceSettings(
        run=absolute_location("RUN", options.run),
        dataset_root=dataset_root(options),
        token=token,
        max_body_bytes=int(options.max_body_mb * 2**20),
        max_pixels=int(options.max_megapixels * 1e6),
        threads=options.threads,
        cors_origins=tuple(map(_origin, options.cors_origin)),
        access_log=options.access_log and absolute_location("--access-log", options.access_log),
        annotators=annotators and absolute_location("--annotators", annotators),
        local_person=options.host in LOOPBACK and annotators is None and token is None,
    )
    layout = ServingLayout(options.replicas, options.ingresses, options.queue)
    place = ServeOptions(options.host, options.port, options.address)
    return run_service(settings, layout, place, Console())


def _origin(text: str) -> str:
    """An origin as browsers send it: scheme, host and port without a path, or *."""
    if text != "*" and not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:-]+", text):
        raise ConfigError(f"--cors-origin {text}: give scheme, host and port without a path, as https://example.org")
    return text
