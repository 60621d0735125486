"""The two files that say what a run is: run.json and config.yaml, each with its own checksum.

Format 1 (0.1.0) kept the checksum of config.yaml's values in run.json, so the one could not be written anew without
the other. Since format 2 each file carries its own, and `config_sha256` covers only values that differ from their
defaults: a key that a later version adds counts with its default for the runs of earlier ones. A key's default must
therefore be what earlier versions did; where it can't be, raise FORMAT_VERSION and refuse.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, Required, TypedDict, cast

import yaml

from raymeta import __version__
from raymeta.config import RESUME_MAY_CHANGE, ExperimentConfig
from raymeta.safe_yaml import YamlError, load_yaml

FORMAT_VERSION: Final = 2

FORMAT_1_RESUME_MAY_CHANGE: Final = (
    "run_dir",
    "dataset.root",
    "iterations",
    "scoring.actors",
    "scoring.threads_per_actor",
    "report.panel_images",
    "report.full_set_run",
)
"""What 0.1.0 left out of its checksum; RESUME_MAY_CHANGE may grow, this may not."""
_NOT_IN_CHECKSUM: Final = (*RESUME_MAY_CHANGE, "scoring.threads_per_actor")
"""Runs of format 2 were made without the number of threads in their checksum; config.yaml tells when it changes."""

_CHECKSUM_LINE: Final = re.compile(rb"# raymeta sha256 ([0-9a-f]{64})\n\Z")


class RunInfo(TypedDict, total=False):
    """Content of run.json. Other versions wrote other keys: only the format's number is always there."""

    format_version: Required[int]
    raymeta: str
    created: str
    strategy: str
    seed: int
    config_sha256: str


def run_to_bytes(run: RunInfo) -> bytes:
    """run.json with its checksum."""
    sealed = {**run, "sha256": _digest(run)}
    return (json.dumps(sealed, indent=2) + "\n").encode()


def run_from_bytes(data: bytes) -> RunInfo:
    """Values of run.json; those of another version than this one's are given as they are.

    Raises:
        ValueError: damaged.
    """
    run = json.loads(data)
    if not isinstance(run, dict) or type(run.get("format_version")) is not int or run["format_version"] < 1:
        raise ValueError("no format_version")
    digest = run.pop("sha256", None)
    if run["format_version"] >= 2 and digest != _digest(run):
        raise ValueError("checksum differs")
    return cast(RunInfo, run)


def config_to_bytes(config: ExperimentConfig) -> bytes:
    """config.yaml with its checksum as a comment in the last line."""
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True).encode()
    return text + f"# raymeta sha256 {hashlib.sha256(text).hexdigest()}\n".encode()


def config_values(data: bytes, run: RunInfo | None) -> dict[str, Any]:
    """Values of config.yaml. run: run.json, which holds the checksum of a config.yaml of format 1; None if unknown.

    Raises:
        ValueError: damaged or edited, or nothing tells that it isn't.
    """
    found = _CHECKSUM_LINE.search(data)
    if found and hashlib.sha256(data[: found.start()]).hexdigest().encode() != found[1]:
        raise ValueError("checksum differs")
    try:
        values = load_yaml(data.decode())
    except YamlError as error:
        raise ValueError("no YAML") from error
    if not isinstance(values, dict):
        raise ValueError("no keys with values")
    if not found and (run is None or format_1_digest(values) != run.get("config_sha256")):
        raise ValueError("checksum differs")
    return values


def config_digest(config: ExperimentConfig) -> str:
    """Checksum of every value that a resumed run may not change and that is not the default."""
    values = config.model_dump(mode="json", exclude_defaults=True)
    return _digest(sorted((key, value) for key, value in _walk("", values) if key not in _NOT_IN_CHECKSUM))


def format_1_digest(values: dict[str, Any]) -> str:
    """What format 1 kept in run.json: the checksum of all values that a resumed run may not change."""
    kept = [(key, value) for key, value in _walk("", values) if key not in FORMAT_1_RESUME_MAY_CHANGE]
    try:
        return hashlib.sha256(json.dumps(sorted(kept)).encode()).hexdigest()
    except TypeError:  # an edited file may hold dates, or keys that are no text
        return ""


def _walk(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _walk(f"{prefix}.{name}".strip("."), child)
    else:
        yield prefix, value


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def new_run(config: ExperimentConfig) -> RunInfo:
    """Content of run.json of a run that begins now."""
    return {
        "format_version": FORMAT_VERSION,
        "raymeta": __version__,
        "created": datetime.now(UTC).isoformat(timespec="microseconds"),
        "strategy": config.acquisition.strategy,
        "seed": config.seed,
        "config_sha256": config_digest(config),
    }


def run_key(run: RunInfo, name: str) -> str:
    """16 hexadecimal digits that tell a run from every other one, as long as it lives.

    Args:
        run: content of run.json.
        name: of the run folder: a copy under another name goes its own way.
    """
    return _digest([name, run.get("created"), run.get("strategy"), run.get("seed")])[:16]


def tells_of(run: RunInfo, config: ExperimentConfig) -> bool:
    """Whether run.json tells of this config's run; its checksum is not asked, since other versions count otherwise."""
    return (run.get("strategy"), run.get("seed")) == (config.acquisition.strategy, config.seed)


def was_begun_with(config: ExperimentConfig, run: RunInfo) -> bool:
    """Whether run.json was written for this config."""
    if run["format_version"] == 1:
        return format_1_digest(config.model_dump(mode="json")) == run.get("config_sha256")
    return config_digest(config) == run.get("config_sha256")
