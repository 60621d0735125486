"""R² of the meta regressor on validation images: fitted on a paid meta set, and on what a run has labelled anyway.

    python -m benchmarks.free_meta_set RUN --iteration 2 --images 4

RUN is a run folder without a meta set whose strategy has a meta regressor (`meta_images: 0`).
"""

import argparse

import numpy as np
import pyarrow as pa
import torch
from rich.console import Console

from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.config import MetaRegressorConfig
from raymeta.datasets.registry import open_existing
from raymeta.loop.bundle import Bundle
from raymeta.loop.image_scorer import ImageScorer
from raymeta.loop.meta_fitting import ANSWERED_IN, L0_ROWS, SEGMENTS
from raymeta.loop.opened_run import OpenedRun, open_run
from raymeta.metaseg.meta_regression import MetaRegressor, r_squared
from raymeta.metaseg.segment_metrics import segment_metrics
from raymeta.runs.store_files import RunError
from raymeta.schemas import IMAGE_ID, IOU, SIZE_INNER
from raymeta.text_tables import show_table, text_table


def main() -> None:
    """Print a line a way to fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--iteration", type=int, default=1, help="whose network is judged (%(default)s)")
    parser.add_argument("--images", type=int, default=4, help="of the paid meta set, drawn from the pool (%(default)s)")
    parser.add_argument("--dataset-root", help="where the data set is now")
    options = parser.parse_args()
    run = open_run(options.run)
    torch.set_num_threads(1)
    measure = _Measure(run, options.iteration, options.dataset_root)
    judged = measure.of(run.split.validation)
    labelled = set(run.split.initial) | set(_answered_images(run, options.iteration))
    free = [image_id for image_id in run.split.unlabelled if image_id not in labelled] or list(run.split.unlabelled)
    paid = np.random.default_rng([run.config.seed, 7]).choice(free, options.images, replace=False).tolist()
    kept = run.store.iteration(options.iteration).read_table(SEGMENTS)
    ways = {f"{options.images} paid images": measure.of(paid)}
    if ANSWERED_IN in kept.column_names:
        of_boxes = np.asarray(kept[ANSWERED_IN]) != L0_ROWS
        ways["L0, trained on"] = kept.filter(pa.array(~of_boxes))
        ways["answered boxes"] = kept.filter(pa.array(of_boxes))
        ways["answered boxes and L0"] = kept
    table = text_table()
    for name in ("fitted on", "segments", "R² out of fold", "R² on validation", "mean predicted", "mean true"):
        table.add_column(name)
    for name, segments in ways.items():
        table.add_row(name, str(segments.num_rows), *_judge(run.config.meta_regressor, segments, judged))
    show_table(Console(), table)


class _Measure:
    """Segment tables of whole images under an iteration's network."""

    def __init__(self, run: OpenedRun, iteration: int, root: str | None) -> None:
        dataset = run.config.dataset
        self._dataset = open_existing(
            dataset if root is None else dataset.model_copy(update={"root": root}), run.config.seed
        )
        network = run.store.iteration(iteration).read_bytes("network.pt")
        bundle = Bundle("judged", iteration, network, None, LabelledRegions())
        self._scorer = ImageScorer(run.config, self._dataset, bundle, torch.device("cpu"))

    def of(self, image_ids: list[str] | tuple[str, ...]) -> pa.Table:
        """With adjusted IoU and IMAGE_ID."""
        tables = []
        for image_id in image_ids:
            softmax = self._scorer.softmax(self._dataset.image(image_id))
            _, table = segment_metrics(softmax, self._dataset.label_map(image_id))
            tables.append(table.append_column(IMAGE_ID, pa.array([image_id] * table.num_rows, pa.string())))
        return pa.concat_tables(tables)


def _answered_images(run: OpenedRun, iteration: int) -> list[str]:
    found: list[str] = []
    for index in range(iteration):
        try:
            found += run.answers(index)[IMAGE_ID].to_pylist()
        except RunError:
            continue
    return found


def _judge(options: MetaRegressorConfig, table: pa.Table, judged: pa.Table) -> list[str]:
    """R² out of fold, R² on the judged segments that have an interior, and the means there."""
    regressor = MetaRegressor(options.kind, options.trees, options.depth, options.learning_rate, 0)
    regressor.fit(table, table[IMAGE_ID].to_pylist())
    inner = np.asarray(judged[SIZE_INNER]) > 0
    predicted, true = regressor.predict(judged)[inner], np.asarray(judged[IOU])[inner]
    return [f"{value:.3f}" for value in (regressor.r2, r_squared(true, predicted), predicted.mean(), true.mean())]


if __name__ == "__main__":
    main()
