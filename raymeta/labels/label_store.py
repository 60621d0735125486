"""Where an iteration finds the labels that it is trained on."""

from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.runs.run_store import RunStore
from raymeta.runs.split import read_split


class LabelStore:
    """The labels of a run, as they were known to each iteration.

    Answers of the simulated annotator are kept as references: split.parquet names the images that are labelled wholly,
    and each annotation.parquet the boxes that were answered. Their pixels stay in the data set.
    """

    def __init__(self, store: RunStore) -> None:
        self._store = store

    def known_labels(self, iteration: int) -> KnownLabels:
        """Labels that an iteration is trained on: L0 and every box that was answered before; and the reference images.

        Raises:
            RunError: the split, or an earlier annotation, is missing or damaged.
        """
        split = read_split(self._store)
        regions = LabelledRegions.from_images(split.initial)
        for earlier in range(iteration):
            regions = regions.with_boxes(self._store.iteration(earlier).read_table("annotation.parquet"))
        return KnownLabels(regions, frozenset(split.meta + split.validation))
