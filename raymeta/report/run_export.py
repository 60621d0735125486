"""`raymeta export`: the small tables of runs, from which a report can be made anywhere, without networks or data."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from raymeta.config import ExperimentConfig
from raymeta.locations import below, last_name, without_options
from raymeta.report.report_panels import class_names
from raymeta.report.run_results import load_run
from raymeta.runs.run_folders import expand_runs
from raymeta.runs.run_store import IterationFolder, RunError, RunStore
from raymeta.runs.store_files import StoreFiles

STAGE_FILES: Final = {
    "train": ("training.parquet", "evaluation.json"),
    "fit": ("fit.json",),
    "score": ("query.parquet", "score.json"),
    "annotate": ("annotation.parquet", "oracle.json"),
    "summary": ("summary.json",),
}
"""What a report reads, by the stage that made it."""


ORIGINS: Final = "export.json"


@dataclass(frozen=True)
class _Stage:
    name: str
    files: dict[str, bytes]
    seconds: float


@dataclass(frozen=True)
class Exported:
    """One exported run: where it came from, its folder below OUT, and its bytes there."""

    source: str
    name: str
    bytes_written: int


def export_runs(locations: Sequence[str], out: str) -> list[Exported]:
    """Write the tables of all finished iterations of runs to OUT/NAME; NAME is what tells the runs apart.

    Tables are compressed with zstd, so manifests are written anew with the checksums of the exported files. Paths are
    replaced by names, so that nothing tells where the runs lay; OUT/export.json keeps when and with which version each
    run was begun.

    Raises:
        RunError: no run there, OUT holds other files of that name, or can't be written.
    """
    runs = expand_runs(locations)
    names = relative_names(runs)
    by_source = dict(zip((RunStore(run).location for run in runs), names, strict=True))
    exported, origins = [], _known_origins(StoreFiles(out))
    for run, name in zip(runs, names, strict=True):
        target = below(out, name)
        if RunStore(target).exists():
            raise RunError(f"{target} holds a run already: export to another folder, or remove it first")
        source = RunStore(run)
        info = source.run_info()
        origins[name] = {
            "created": info["created"],
            "raymeta": info["raymeta"],
            "strategy": info["strategy"],
            "seed": info["seed"],
        }
        exported.append(Exported(run, name, _export(source, target, name, by_source)))
    StoreFiles(out).write(ORIGINS, (json.dumps(origins, indent=2) + "\n").encode())
    return exported


def _known_origins(files: StoreFiles) -> dict[str, Any]:
    """What an earlier export into the same folder said."""
    try:
        known = json.loads(files.read(ORIGINS) or b"{}")
    except (ValueError, RecursionError):
        known = None
    if not isinstance(known, dict):
        raise RunError(f"{files.path(ORIGINS)} is damaged: export to another folder, or remove it first")
    return known


def relative_names(locations: Sequence[str]) -> list[str]:
    """The locations without the folders that all of them share; at least the last part of each is kept."""
    parts = [PurePosixPath(without_options(RunStore(location).location)).parts for location in locations]
    shared = 0
    for names in zip(*(folders[:-1] for folders in parts), strict=False):
        if len(set(names)) > 1:
            break
        shared += 1
    return ["/".join(folders[shared:]) for folders in parts]


def _export(source: RunStore, target: str, name: str, names: dict[str, str]) -> int:
    config = source.load_config()
    # Read before anything is written: what a damaged artefact stops must not look like a run with fewer iterations.
    iterations = {index: _read_iteration(source.iteration(index), names) for index in source.iterations()}
    store = RunStore(target)
    store.create(_without_paths(config, name, names))
    for table, write in (
        (source.read_split(), store.write_split),
        (source.read_pool_clicks(), store.write_pool_clicks),
    ):
        if table is not None:
            write(table)
    known, _ = class_names([load_run(source.location)])
    if known:
        store.write_class_names(known)
    for index, stages in iterations.items():
        for stage in stages:
            for file, data in stage.files.items():
                store.iteration(index).write_bytes(file, data)
            store.iteration(index).commit(stage.name, list(stage.files), stage.seconds)
    return sum(len(data) for stages in iterations.values() for stage in stages for data in stage.files.values())


def _without_paths(config: ExperimentConfig, name: str, names: dict[str, str]) -> ExperimentConfig:
    """The config with names in the place of paths."""

    acquisition = config.acquisition.model_copy(
        update={"match_cost_of": _renamed(config.acquisition.match_cost_of, names)}
    )
    weights = config.network.weights
    return config.model_copy(
        update={
            "run_dir": name,
            "shared_dir": None,
            "dataset": config.dataset.model_copy(update={"root": last_name(config.dataset.root)}),
            "network": config.network.model_copy(update={"weights": weights and last_name(weights)}),
            "report": config.report.model_copy(update={"full_set_run": _renamed(config.report.full_set_run, names)}),
            "acquisition": acquisition,
        }
    )


def _renamed(path: str | None, names: dict[str, str]) -> str | None:
    """The exported name of a run or of a folder of runs, else the last part of its path."""
    if path is None:
        return None
    known = [names[place] for place in (RunStore(path).location,) if place in names]
    inside = [exported.rpartition("/")[0] for place, exported in names.items() if _is_below(place, path)]
    return next(iter([*known, *inside]), last_name(path))


def _is_below(place: str, path: str) -> bool:
    return without_options(place).startswith(without_options(RunStore(path).location) + "/")


def _read_iteration(folder: IterationFolder, names: dict[str, str]) -> list[_Stage]:
    """The stages of one finished iteration, ready to be written; none where it is not finished."""
    seconds = folder.stage_seconds()
    if "summary" not in seconds:
        return []
    stages = []
    for stage, files in STAGE_FILES.items():
        found = {}
        for name in filter(folder.is_named, files):
            found[name] = _small(folder.read_table(name)) if name.endswith(".parquet") else folder.read_bytes(name)
            if name == "score.json":
                found[name] = _score_without_paths(found[name], names)
        stages.append(_Stage(stage, found, seconds[stage]))
    return stages


def _score_without_paths(data: bytes, names: dict[str, str]) -> bytes:
    """What a matched baseline tells of its reference, by name."""
    score = json.loads(data)
    if score.get("matched"):
        score["matched"]["run"] = _renamed(score["matched"]["run"], names)
    return (json.dumps(score, indent=2) + "\n").encode()


def _small(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    options: dict[str, Any] = {"compression": "zstd", "compression_level": 19, "write_statistics": False}
    pq.write_table(table, sink, **options)
    return bytes(sink.getvalue().to_pybytes())
