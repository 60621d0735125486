"""What the runs of a study need alike, made once: trainings on the same labels, and the clicks of the pool."""

import io
import json
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from raymeta.config import RESUME_MAY_CHANGE, ExperimentConfig, flatten
from raymeta.loop.workers import TrainedNetwork, TrainingJob
from raymeta.runs.input_key import input_key
from raymeta.runs.scratch_files import read_scratch, write_scratch
from raymeta.runs.store_files import RunError, StoreFiles
from raymeta.schemas import IMAGE_ID

_TRAINING_SECTIONS: Final = ("dataset.", "network.", "training.")
_JUDGED_AFTERWARDS: Final = ("dataset.test", "dataset.scenes.test_images")
"""Of the sections, what no training, feature or click depends on."""
_CLICKS_SECTIONS: Final = ("dataset.", "oracle.", "acquisition.epsilon")


class SharedWork:
    """A folder that several runs may write to at once.

    What is there is read by its checksum and by all that it was made from, so that whatever is lost, damaged or of
    other settings is only made anew.
    """

    def __init__(self, location: str) -> None:
        """location: a local path or URI."""
        self._files = StoreFiles(location)

    @classmethod
    def of(cls, config: ExperimentConfig) -> "SharedWork | None":
        """That of a run; None where it shares nothing."""
        return None if config.shared_dir is None else cls(config.shared_dir)

    def training(self, config: ExperimentConfig, job: TrainingJob) -> TrainedNetwork | None:
        """The network that another run trained from the same start, seed and iteration, on the same labels."""
        key = _training_key(config, job)
        facts, network = (
            self._read(_path("trainings", key, "json"), key),
            self._read(_path("trainings", key, "pt"), key),
        )
        if facts is None or network is None:
            return None
        return TrainedNetwork(network=network, **json.loads(facts))

    def keep_training(self, config: ExperimentConfig, job: TrainingJob, trained: TrainedNetwork) -> None:
        """Leave it for the others; one that couldn't read all of its images stays with its run."""
        if trained.faults:
            return
        key, facts = _training_key(config, job), asdict(trained)
        network = facts.pop("network")
        self._write(_path("trainings", key, "pt"), network, key)
        self._write(_path("trainings", key, "json"), json.dumps(facts).encode(), key)

    def pool_clicks(self, config: ExperimentConfig, pool: Collection[str]) -> pa.Table | None:
        """Clicks of those images of a pool that another run has counted: WHOLE_IMAGE_CLICKS_SCHEMA."""
        key = _clicks_key(config)
        data = self._read(_path("clicks", key, "arrow"), key)
        if data is None:
            return None
        clicks = pa.ipc.open_stream(data).read_all()
        return clicks.filter(pc.is_in(clicks[IMAGE_ID], value_set=pa.array(list(pool), pa.string())))

    def keep_pool_clicks(self, config: ExperimentConfig, clicks: pa.Table) -> None:
        """Leave them for the others."""
        sink, key = io.BytesIO(), _clicks_key(config)
        with pa.ipc.new_stream(sink, clicks.schema) as writer:
            writer.write_table(clicks)
        self._write(_path("clicks", key, "arrow"), sink.getvalue(), key)

    def delete(self) -> None:
        """Remove the folder and all in it."""
        self._files.delete_folder("")

    def _read(self, path: str, key: str) -> bytes | None:
        with suppress(RunError):
            return read_scratch(self._files, path, key)
        return None

    def _write(self, path: str, data: bytes, key: str) -> None:
        with suppress(RunError):  # it is only made again
            write_scratch(self._files, path, data, key)


def settings_of(config: ExperimentConfig, sections: tuple[str, ...]) -> str:
    """All values below some dotted paths that results depend on, as one text."""
    values = {key: value for key, value in flatten(config).items() if key.startswith(sections)}
    beside = (*RESUME_MAY_CHANGE, *_JUDGED_AFTERWARDS)
    return json.dumps({key: value for key, value in values.items() if key not in beside}, sort_keys=True)


def _training_key(config: ExperimentConfig, job: TrainingJob) -> str:
    """Names all that a training's result depends on: settings, root of the data, seed, iteration and labels."""
    settings = settings_of(config, _TRAINING_SECTIONS)
    validation = json.dumps(job.validation_ids)
    return input_key(settings, config.dataset.root or "", config.seed, job.iteration, job.labels, validation)


def _clicks_key(config: ExperimentConfig) -> str:
    return input_key(settings_of(config, _CLICKS_SECTIONS), config.dataset.root or "")


def _path(kind: str, key: str, ending: str) -> str:
    return f"{kind}/{key[:32]}.{ending}"
