"""`label`: a folder of images, a page on which people label them, and the run that asks for what it needs next."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from raymeta.cli.options import add_command, add_overrides, add_place
from raymeta.cli.run_commands import image_bar, run_one
from raymeta.config import ConfigError, ExperimentConfig, is_many, load_config
from raymeta.errors import InputError
from raymeta.local_files import absolute_location
from raymeta.locations import last_name

if TYPE_CHECKING:
    from raymeta.service.local_service import LocalService

MAX_PAUSE_S: Final = 2.0
"""Seconds between two looks for answers: somebody sits before the page and waits."""


def add_commands(commands: Any) -> None:
    """Add it to the parser."""
    label = add_command(
        commands,
        "label",
        "people label a folder of images on a page, and a network learns from it: run and page in one command",
        "label my_data",
        "label my_data --ask boxes",
        "label my_data iterations=3 acquisition.query_size=50 --local",
        "label my.yaml --host 0.0.0.0 --annotators annotators.yaml",
    )
    text = "folder with images and classes.yaml, also a URI as s3://bucket/my_data; or a config"
    label.add_argument("place", metavar="FOLDER", help=text)
    add_overrides(label, "as in iterations=3; `raymeta config --keys` lists them")
    text = (
        "what people are asked in a new run: whether the class of superpixels is right, by one key each, which needed "
        "fewest clicks; or of predicted segments; the class at points, by one key each; or outlines in boxes "
        "(%(default)s)"
    )
    label.add_argument(
        "--ask", choices=("superpixels", "segments", "points", "boxes"), default="superpixels", help=text
    )
    text = "run folder (runs/NAME of FOLDER); its config is kept as RUN.yaml, that of a URI as runs/NAME.yaml"
    label.add_argument("--run", metavar="RUN", help=text)
    label.add_argument("--host", default="127.0.0.1", help="where the page listens (%(default)s: this machine alone)")
    label.add_argument("--port", type=int, default=8000, help="port to listen at (%(default)s)")
    label.add_argument("--annotators", metavar="FILE", help="people who may label; from `raymeta annotators`")
    add_place(label)
    label.epilog = f"{label.epilog}\n\nCtrl-C ends it; the same command goes on where it was."
    label.set_defaults(command=_label)


def _label(options: argparse.Namespace) -> int:
    from raymeta.loop.waiting import run_until_answered
    from raymeta.report.page import print_table, write_report
    from raymeta.service.start_checks import check_people, check_port

    if not 1 <= options.port <= 65535:
        raise ConfigError(f"--port {options.port}: choose 1 to 65535")
    check_port(options.host, options.port)
    console = Console()
    config = _config(options, console)
    page = _Page(config, options, console)
    check_people(page.settings)
    _check_images(config)
    try:
        run_until_answered(config, lambda: run_one(config, options, console), page.tell, page.sleep, MAX_PAUSE_S)
        print_table([config.run_dir], console)
        console.print(f"report: {write_report([config.run_dir])}", highlight=False, soft_wrap=True)
        page.stay()
    finally:
        page.close()
    return 0


def _config(options: argparse.Namespace, console: Console) -> ExperimentConfig:
    """The config that is named, or that of the folder, written when it is met first."""
    from raymeta.first_config import first_config

    path = Path(options.place)
    if not path.is_file() or path.suffix not in (".yaml", ".yml"):
        root = _without_dots(absolute_location("FOLDER", options.place))
        run_dir = _without_dots(absolute_location("--run", options.run or f"runs/{last_name(root)}"))
        path = Path(absolute_location("--run", f"runs/{last_name(run_dir)}") if "://" in run_dir else run_dir)
        path = path.with_name(f"{path.name}.yaml")
        if not path.exists():
            text = first_config(root, run_dir, options.ask)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        console.print(f"settings: {path}", highlight=False, soft_wrap=True)
    elif options.run is not None:
        raise ConfigError(f"--run {options.run}: {path} names its run folder itself; write run_dir={options.run}")
    config = load_config(path, options.overrides)
    if is_many(config):
        raise ConfigError(f"{path}: people label for one run at a time: leave out seeds and study")
    if config.oracle.kind != "people":
        raise ConfigError(f"oracle.kind {config.oracle.kind}: with `raymeta label` people label: oracle.kind=people")
    return config


def _without_dots(location: str) -> str:
    """A place that people can read: `/x/../y` is `/y`, unless x is a link elsewhere."""
    return str(Path(location).resolve()) if ".." in Path(location).parts and "://" not in location else location


def _check_images(config: ExperimentConfig) -> None:
    """Before a new run asks people for images: are all of them readable, as far as `raymeta check` looks?

    Raises:
        InputError: some aren't, with what is wrong with each.
    """
    from raymeta.datasets.fault_groups import grouped_faults
    from raymeta.datasets.registry import open_dataset
    from raymeta.runs.run_store import RunStore

    if RunStore(config.run_dir).exists():
        return
    dataset = open_dataset(config.dataset, config.seed)
    with image_bar(len(dataset.pool_ids()) + len(dataset.validation_ids()) + len(dataset.test_ids())) as count:
        faults = grouped_faults(dataset.survey(count, unlabelled=True).faults)
    if faults:
        raise InputError("\n".join([*faults, "correct these files or move them away, then repeat the command"]))


class _Page:
    """The page beside the run, from the moment on at which there is something to label."""

    def __init__(self, config: ExperimentConfig, options: argparse.Namespace, console: Console) -> None:
        from raymeta.service.settings import ServiceSettings
        from raymeta.service.start_checks import LOOPBACK, environment_annotators, environment_token

        annotators, token = options.annotators or environment_annotators(), environment_token()
        self.settings = ServiceSettings(
            run=config.run_dir,
            token=token,
            threads=1,
            access_log=os.devnull,
            annotators=annotators and absolute_location("--annotators", annotators),
            local_person=options.host in LOOPBACK and annotators is None and token is None,
        )
        self._options, self._console, self._oracle = options, console, config.oracle
        self._service: LocalService | None = None

    def tell(self, text: str) -> None:
        """Say what is waited for, and start the page, where it isn't up yet."""
        self._say(text)
        self._open()
        self._say(f"label at {self._address('#/annotate')}; Ctrl-C ends it, the same command goes on")

    def sleep(self, seconds: float) -> None:
        """Pause while people label."""
        assert self._service is not None
        self._service.sleep(seconds)

    def stay(self) -> None:
        """Serve on, until Ctrl-C: the network can be tried on own images."""
        service = self._open()
        self._say(f"done; the page stays at {self._address('')} until Ctrl-C")
        try:
            while True:
                service.sleep(3600)
        except KeyboardInterrupt:
            return

    def _open(self) -> "LocalService":
        """The page, started where it isn't up yet."""
        from raymeta.service.local_service import LocalService
        from raymeta.service.start_checks import who_may

        if self._service is None:
            self._service = LocalService(self.settings, self._options.host, self._options.port)
            self._service.open()
            for line in who_may(self.settings, self._options.host, self._oracle):
                self._say(line)
        return self._service

    def close(self) -> None:
        """End the page."""
        if self._service is not None:
            self._service.close()

    def _address(self, place: str) -> str:
        host = f"[{self._options.host}]" if ":" in self._options.host else self._options.host
        return f"http://{host}:{self._options.port}/{place}"

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)
