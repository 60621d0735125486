"""Where each artefact of a run lies, and what of it counts after the run was killed at any moment."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import fs

from raymeta.config import ConfigError, ExperimentConfig, differences, parse_config
from raymeta.runs.classes_file import KeptClasses, classes_from_bytes, classes_to_bytes
from raymeta.runs.finished_blocks import FinishedBlocks
from raymeta.runs.iteration_folder import STAGES, IterationFolder
from raymeta.runs.other_config import other_config
from raymeta.runs.run_format import (
    FORMAT_VERSION,
    RunInfo,
    config_digest,
    config_to_bytes,
    config_values,
    new_run,
    run_from_bytes,
    run_to_bytes,
    tells_of,
    was_begun_with,
)
from raymeta.runs.run_lease import RunLease
from raymeta.runs.run_lock import NoLocksError, hold_lock
from raymeta.runs.sealed_table import open_sealed, seal
from raymeta.runs.store_files import RunError, StoreFiles

__all__ = ["STAGES", "IterationFolder", "RunError", "RunStore"]

RUN: Final = "run.json"
CONFIG: Final = "config.yaml"
SPLIT: Final = "split.parquet"
POOL_CLICKS: Final = "pool_clicks.parquet"
HELD_OUT_CLICKS: Final = "held_out_clicks.parquet"
FEATURES: Final = "features"
"""Folder of kept features; see `raymeta.loop.kept_features`."""
CLASS_NAMES: Final = "class_names.json"
CLASSES: Final = "classes.json"
WAITING: Final = "waiting.txt"


class RunStore:
    """A run folder: a local path, or a URI that pyarrow's file systems open.

    dataset_root: where the data set is now, in place of the config's `dataset.root`; None keeps that.

    Raises:
        RunError: a URI that no file system opens.
    """

    def __init__(
        self, location: str, filesystem: fs.FileSystem | None = None, *, dataset_root: str | None = None
    ) -> None:
        self._files = StoreFiles(location, filesystem)
        self._dataset_root = dataset_root

    @property
    def location(self) -> str:
        """The place as it was given, a relative local path made absolute."""
        return self._files.location if self._files.local_root is None else str(self._files.local_root)

    @property
    def files(self) -> StoreFiles:
        """The files of the folder, for what other rooms keep in it."""
        return self._files

    @property
    def local_root(self) -> Path | None:
        """The folder as a local path; None behind other file systems."""
        return self._files.local_root

    def exists(self) -> bool:
        """Whether a run was begun here."""
        return self._files.size(RUN) is not None

    def create(self, config: ExperimentConfig) -> None:
        """Begin a run, or open the one that is there; values that a resumed run may change are taken over.

        A run of an earlier format is taken over to this one. A damaged run.json or config.yaml is written anew from
        the other one, where that is sound and agrees with `config`.

        Raises:
            RunError: the folder holds a run of another config (each difference is listed), can't be written, or was
                written by a newer raymeta.
        """
        if not self._is_begun():
            self._files.write(CONFIG, config_to_bytes(config))
            self._files.write(RUN, run_to_bytes(new_run(config)))
            return
        run, old = self._begun_with(config)
        if old != config or run is None or run["format_version"] < FORMAT_VERSION or not tells_of(run, config):
            # config.yaml first: it carries its own checksum, so a crash between the two leaves a run that opens.
            self._files.write(CONFIG, config_to_bytes(config))
            self._files.write(RUN, run_to_bytes({**new_run(config), "created": (run or new_run(config))["created"]}))

    def check_resumable(self, config: ExperimentConfig) -> None:
        """Look at what `create` would find; writes nothing.

        Raises:
            RunError: as `create` does before it writes.
        """
        if self._is_begun():
            self._begun_with(config)

    def damaged(self) -> list[str]:
        """`path: fault` for each file beside the iterations that is there, or should be, and can't be used."""
        if not self._is_begun():
            return []
        run = self._sound_run()
        config = self._sound_config(run)
        sound = {
            RUN: run is not None and (config is None or tells_of(run, config)),
            CONFIG: config is not None,
            SPLIT: self._files.size(SPLIT) is None or self.read_split() is not None,
            POOL_CLICKS: self._files.size(POOL_CLICKS) is None or self.read_pool_clicks() is not None,
            HELD_OUT_CLICKS: not self.is_held_out_damaged(),
            CLASSES: self._files.size(CLASSES) is None or self.read_classes() is not None,
        }
        return [f"{self._files.path(name)}: missing or damaged" for name, is_sound in sound.items() if not is_sound]

    def run_info(self) -> RunInfo:
        """Content of run.json.

        Raises:
            RunError: no run here, damaged, or written by a newer raymeta.
        """
        if not self.exists():
            raise RunError(f"{self.location} holds no run: give a run folder, or start one with `raymeta run CONFIG`")
        run = self._sound_run()
        if run is None:
            raise RunError(f"{self._files.path(RUN)} is damaged: resume the run with its own config to write it again")
        return run

    def load_config(self) -> ExperimentConfig:
        """The config of the run; keys that its raymeta didn't know have their defaults.

        Raises:
            RunError: no run here, or config.yaml is missing, was changed since, is of another run, or holds what
                this version can't use.
        """
        run = self.run_info()
        config = self._sound_config(run)
        if config is not None and not tells_of(run, config):
            raise RunError(
                f"{self._files.path(CONFIG)} and {RUN} are of different runs ({config.acquisition.strategy} with seed "
                f"{config.seed}, {run.get('strategy')} with seed {run.get('seed')}): restore the one that was replaced"
            )
        if config is None:
            raise RunError(
                f"{self._files.path(CONFIG)} is missing, damaged or was edited: "
                "resume the run with its own config to write it again"
            )
        if self._dataset_root is None:
            return config
        return config.model_copy(update={"dataset": config.dataset.model_copy(update={"root": self._dataset_root})})

    def write_split(self, table: pa.Table) -> None:
        """Keep which image is in which part (schemas.SPLIT_SCHEMA).

        Raises:
            RunError: another split is kept already, because the images of the data set changed.
        """
        kept = self.read_split()
        if kept is None:
            self._files.write(SPLIT, seal(table))
        elif not kept.equals(table):
            raise RunError(
                f"{self._files.path(SPLIT)} names other images than the data set has now: "
                "restore the data set or choose another run_dir"
            )

    def read_split(self) -> pa.Table | None:
        """The split; None if it is missing or damaged, then it is made anew."""
        return self._read_sealed(SPLIT)

    def write_pool_clicks(self, table: pa.Table, config: ExperimentConfig | None = None) -> None:
        """Keep the clicks of every whole image of P (schemas.WHOLE_IMAGE_CLICKS_SCHEMA), counted once a run.

        config: what they were counted with.
        """
        self._files.write(POOL_CLICKS, seal(table, "" if config is None else config_digest(config)))

    def read_pool_clicks(self, config: ExperimentConfig | None = None) -> pa.Table | None:
        """Clicks of every whole image of P; None if missing, damaged or of another config: they are counted anew."""
        return self._read_sealed(POOL_CLICKS, "" if config is None else config_digest(config))

    def write_held_out_clicks(self, table: pa.Table, config: ExperimentConfig) -> None:
        """Keep the clicks of every whole image of validation and of the test split, counted once a run."""
        self._files.write(HELD_OUT_CLICKS, seal(table, config_digest(config)))

    def read_held_out_clicks(self, config: ExperimentConfig) -> pa.Table | None:
        """What `write_held_out_clicks` kept; None if missing, damaged or of another config."""
        return self._read_sealed(HELD_OUT_CLICKS, config_digest(config))

    def is_held_out_damaged(self) -> bool:
        """Whether the clicks of validation and test are there and can't be read; earlier versions counted none."""
        return self._files.size(HELD_OUT_CLICKS) is not None and self._read_sealed(HELD_OUT_CLICKS) is None

    def write_class_names(self, names: Sequence[str]) -> None:
        """Keep the names of the classes, for a report that is made where the data set isn't."""
        self._files.write(CLASS_NAMES, (json.dumps(list(names)) + "\n").encode())

    def class_names(self) -> tuple[str, ...] | None:
        """Kept names of the classes; None if none are kept, or the file is damaged."""
        try:
            names = json.loads(self._files.read(CLASS_NAMES) or b"null")
        except ValueError:
            return None
        return tuple(map(str, names)) if isinstance(names, list) else None

    def write_classes(self, classes: KeptClasses) -> None:
        """Keep the classes that the run was begun with; see `kept_classes`."""
        self._files.write(CLASSES, classes_to_bytes(classes))

    def read_classes(self) -> KeptClasses | None:
        """What `write_classes` kept; None if nothing, or if it is damaged: then it is kept anew."""
        return classes_from_bytes(self._files.read(CLASSES) or b"null")

    def write_waiting(self, text: str | None) -> None:
        """Keep what the run waits for; None: for nothing."""
        if text is not None:
            self._files.write(WAITING, text.encode())
        elif self._files.size(WAITING) is not None:
            self._files.delete(WAITING)

    def read_waiting(self) -> str | None:
        """What the run waited for when it last ended; None if for nothing."""
        text = self._files.read(WAITING)
        return None if text is None else text.decode(errors="replace")

    def finished_blocks(self, name: str, key: str) -> FinishedBlocks:
        """Blocks of work that belongs to no iteration, done from the inputs that `key` names."""
        return FinishedBlocks(self._files, f"{name}.blocks", key)

    def delete_features(self) -> None:
        """Remove what a frozen encoder made of the images: the run is done."""
        self._files.delete_folder(FEATURES)

    def iteration(self, index: int) -> IterationFolder:
        """The folder of one iteration, which need not exist yet; iterations count from 0."""
        if index < 0:
            raise RunError(f"iteration {index} is negative: iterations count from 0")
        return IterationFolder(self._files, f"iterations/{index:03d}")

    def iterations(self) -> list[int]:
        """Iterations that have a folder, ascending."""
        names = [name for name in self._files.folders("iterations") if name.isdecimal() and name.isascii()]
        return sorted(int(name) for name in names if name == f"{int(name):03d}")

    def write_report(self, name: str, data: bytes) -> str:
        """Write a file below RUN/report and give its full path."""
        self._files.write(f"report/{name}", data)
        return self._files.path(f"report/{name}")

    @contextmanager
    def lock(self, say: Callable[[str], None] = print) -> Iterator[None]:
        """Keep other processes out of the run folder; what a dead process left behind is recovered.

        A local folder is locked by the kernel. Where the file system has no locks a lease is renewed instead; after a
        process elsewhere died, it takes LEASE_S seconds to see that, and `say` gets a line.

        Raises:
            RunError: another live process works in the folder.
        """
        with ExitStack() as stack:
            try:
                locked = self.local_root is not None and stack.enter_context(hold_lock(self.local_root))
            except NoLocksError:
                locked = False
            if not locked:
                stack.enter_context(RunLease(self._files).hold(say))
            yield

    def _read_sealed(self, name: str, made_from: str = "") -> pa.Table | None:
        data = self._files.read(name)
        return None if data is None else open_sealed(data, made_from)

    def _is_begun(self) -> bool:
        """Whether a run was begun here, even if one of its files is missing by now."""
        if self.exists() or self._files.size(CONFIG) is not None:
            return True
        foreign = ["iterations"] if self.iterations() else []
        foreign += [name for name in (SPLIT, POOL_CLICKS) if self._files.size(name) is not None]
        if foreign:
            raise RunError(
                f"{self.location} holds {' and '.join(foreign)}, but neither {RUN} nor {CONFIG} that tell whose: "
                "restore one of them or choose another run_dir"
            )
        return False

    def _begun_with(self, config: ExperimentConfig) -> tuple[RunInfo | None, ExperimentConfig | None]:
        """What run.json and config.yaml tell of the run that is here. Raises RunError if `config` can't resume it."""
        run = self._sound_run()
        old = self._sound_config(run)
        changed = differences(old, config) if old is not None else []
        if old is None and run is None:
            changed = [f"{RUN} and {CONFIG}: both damaged, so nothing tells which config the run was begun with"]
        elif old is None and run is not None and not was_begun_with(config, run):
            changed = [f"{CONFIG}: damaged, and this config is not the one that the run was begun with"]
        if changed:
            raise other_config(self.location, changed)
        return run, old

    def _sound_run(self) -> RunInfo | None:
        """Content of run.json; None if it is damaged. Raises RunError if a newer raymeta wrote it."""
        try:
            run = run_from_bytes(self._files.read(RUN) or b"")
        except (ValueError, RecursionError):
            return None
        if run["format_version"] > FORMAT_VERSION:
            raise RunError(
                f"{self._files.path(RUN)} has format {run['format_version']}, "
                f"this raymeta reads up to {FORMAT_VERSION}: update raymeta"
            )
        return run

    def _sound_config(self, run: RunInfo | None) -> ExperimentConfig | None:
        """The config of config.yaml; None if it is missing, damaged or edited."""
        path = self._files.path(CONFIG)
        try:
            values = config_values(self._files.read(CONFIG) or b"", run)
        except ValueError:
            return None
        try:
            return parse_config(values, source=path)
        except ConfigError as error:
            version = run.get("raymeta", "another version") if run else "another version"
            raise RunError(
                f"{path} is sound, but this raymeta can't use it:\n{error}\nuse raymeta {version}, which wrote it"
            ) from error
