"""Whether a report still tells what its runs hold: a run that was over before leaves it as it is."""

import hashlib
from collections.abc import Sequence
from typing import Final

from raymeta import __version__
from raymeta.runs.iteration_folder import MANIFEST
from raymeta.runs.run_folders import expand_runs
from raymeta.runs.run_store import CLASSES, CONFIG, HELD_OUT_CLICKS, POOL_CLICKS, RUN, SPLIT, RunStore
from raymeta.runs.store_files import RunError, StoreFiles

PAGE: Final = "report.html"
KEY: Final = "report.key"
"""What the page was made of, and its checksum; written after it."""
SEALED_FILES: Final = (RUN, CONFIG, SPLIT, POOL_CLICKS, HELD_OUT_CLICKS, CLASSES)
"""Files of a run beside its iterations, whose manifests hold checksums of all else."""


def keep_key(report: StoreFiles, run_locations: Sequence[str], page: bytes) -> None:
    """Note what the page of a report was made of, where that can be told."""
    if (key := _key(run_locations)) is not None:
        report.write(KEY, f"{key} {_digest(page)}\n".encode())


def is_fresh(report_location: str, run_locations: Sequence[str]) -> bool:
    """Whether the report there is sound and was made by this version of these runs, as they are now.

    Args:
        report_location: its folder.
        run_locations: run folders, or folders of runs.
    """
    try:
        report = StoreFiles(report_location)
        kept, page = report.read(KEY), report.read(PAGE)
        if kept is None or page is None:
            return False
        key = _key(run_locations)
        return key is not None and kept == f"{key} {_digest(page)}\n".encode()
    except RunError:
        return False  # what is wrong is told when it is written


def _key(run_locations: Sequence[str]) -> str | None:
    """Of the runs' manifests and settings; None where people label, whose ledger goes on after a run is over."""
    digest = hashlib.sha256(__version__.encode())
    for location in expand_runs(run_locations):
        store = RunStore(location)
        if store.load_config().oracle.kind == "people":
            return None
        digest.update(repr(location).encode())
        for name in [*SEALED_FILES, *(f"iterations/{index:03d}/{MANIFEST}" for index in store.iterations())]:
            digest.update(f"{name} {_digest(store.files.read(name) or b'')} ".encode())
    return digest.hexdigest()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
