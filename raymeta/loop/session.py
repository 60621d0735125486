"""What lives as long as a run: its config, folder, data and workers, and the images that it had to leave out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from raymeta.config import ExperimentConfig
from raymeta.datasets.sample import Dataset
from raymeta.labels.annotator import Annotator
from raymeta.labels.label_store import LabelStore
from raymeta.loop.failed_images import check_failed_share
from raymeta.loop.progress import RunProgress
from raymeta.loop.workers import Scorer, Trainer, TrainingProgress
from raymeta.runs.iteration_folder import IterationFolder
from raymeta.runs.records import EvaluationRecord, FitRecord, OracleRecord
from raymeta.runs.run_store import RunStore
from raymeta.runs.split import Split
from raymeta.schemas import IMAGE_ID
from raymeta.tracking.run_trackers import RunTrackers


@dataclass
class Session:
    """Everything that lives as long as a run.

    faults: the reason for each image that the current iteration leaves out; the next one tries it again.
    """

    config: ExperimentConfig
    store: RunStore
    dataset: Dataset
    split: Split
    trainer: Trainer
    scorer: Scorer
    annotator: Annotator
    labels: LabelStore
    progress: RunProgress
    trackers: RunTrackers
    faults: dict[str, str] = field(default_factory=dict)

    def begin_iteration(self) -> None:
        """Forget which images an earlier iteration left out: their files may be sound by now."""
        self.faults = {}

    def training_progress(self, state: TrainingProgress) -> None:
        """What the training worker reported last, shown and told."""
        self.progress.training(state)
        self.trackers.epoch(state.epoch, state.validation_miou)

    def leave_out(self, failed: Mapping[str, str], asked: int, what: str) -> None:
        """Note the images of a stage that can't be read.

        asked: images of the stage. what: which images, for a message.

        Raises:
            TooManyFailedImagesError: more than `dataset.max_failed_share` of them.
        """
        check_failed_share(failed, asked, self.config.dataset.max_failed_share, what)
        self.note_faults(failed)

    def note_faults(self, faults: Mapping[str, str]) -> None:
        """Tell of each unreadable image once an iteration."""
        for image_id, reason in faults.items():
            if image_id not in self.faults:
                self.progress.say(f"left out {image_id}: {reason}")
        self.faults.update(faults)

    def recall_faults(self, folder: IterationFolder, committed: list[str]) -> None:
        """Take over what the committed stages of an iteration found, as if this process had found it."""
        if "train" in committed:
            self.note_faults(EvaluationRecord.read(folder).faults)
        if "fit" in committed:
            self.note_faults(FitRecord.read(folder).failed_images)
        if "score" in committed:
            rows = folder.read_table("images.parquet").select([IMAGE_ID, "error"]).to_pylist()
            self.note_faults({row[IMAGE_ID]: row["error"] for row in rows if row["error"] is not None})
        if "annotate" in committed:
            self.note_faults(OracleRecord.read(folder).failed_images)
