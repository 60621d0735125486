"""What tells data sets apart in a report, from the run folder alone: the data set itself may be elsewhere."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from raymeta.config import ExperimentConfig
from raymeta.locations import last_name
from raymeta.runs.records import SummaryRecord
from raymeta.runs.run_store import RunStore
from raymeta.schemas import IMAGE_ID, SPLIT, SPLIT_TEST, SPLIT_VALIDATION


@dataclass(frozen=True)
class DatasetFacts:
    """The data set of a run; None where the run folder doesn't tell.

    name: of its folder. key: equal for runs whose mIoU and costs can be compared, as far as the folder tells.
    """

    name: str
    kind: str
    classes: int | None
    pool_images: int | None
    validation_images: int | None
    key: str
    test_images: int | None = None

    @property
    def text(self) -> str:
        """The data set in a few words."""
        parts = [f"{self.classes} classes"] if self.classes else []
        parts += [f"{self.pool_images} pool images"] if self.pool_images else []
        parts += [f"{self.validation_images} validation images"] if self.validation_images else []
        parts += [f"{self.test_images} test images"] if self.test_images else []
        return f"{self.name} ({', '.join(parts)})" if parts else self.name


def dataset_facts(store: RunStore, config: ExperimentConfig, summaries: Sequence[SummaryRecord]) -> DatasetFacts:
    """Read what a run folder tells of its data set.

    The key is made of the validation images and the number of classes, and, unless each seed draws a pool of its own,
    of the pool's images and their pixels and components. Two data sets of one layout, whose files have equal names,
    differ in some of these.
    """
    split = store.read_split()
    validation, pool, test = list[str](), list[str](), list[str]()
    lists = {SPLIT_VALIDATION: validation, SPLIT_TEST: test}
    if split is not None:
        for image_id, part in zip(split[IMAGE_ID].to_pylist(), split[SPLIT].to_pylist(), strict=True):
            lists.get(part, pool).append(image_id)
    classes = max((len(summary.class_iou) for summary in summaries), default=0) or None
    parts = [str(classes), *sorted(validation), *sorted(test)]
    if config.dataset.max_pool_images is None:
        counts = summaries[0].clicks.pool if summaries else {}
        parts += [*sorted(pool), str(counts.get("pixels")), str(counts.get("class_"))]
    if split is None:
        parts.append(last_name(config.dataset.root))
    return DatasetFacts(
        name=last_name(config.dataset.root),
        kind=config.dataset.kind,
        classes=classes,
        pool_images=len(pool) or None,
        validation_images=len(validation) or None,
        test_images=len(test) or None,
        key=hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12],
    )
