"""The numbers of one iteration: mIoU, costs, R², times."""

import pyarrow as pa
import pyarrow.compute as pc

from raymeta.annotation.costs import CostLedger, PoolEstimate
from raymeta.annotation.events import Events
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.config import ExperimentConfig
from raymeta.runs.records import ClickSums, EvaluationRecord, FitRecord, HeldOutRecord, OracleRecord, SummaryRecord
from raymeta.runs.run_store import RunStore
from raymeta.runs.split import Split
from raymeta.schemas import IMAGE_ID


def iteration_summary(
    config: ExperimentConfig,
    store: RunStore,
    split: Split,
    index: int,
    regions: LabelledRegions,
    tested: HeldOutRecord | None = None,
) -> SummaryRecord:
    """What summary.json holds; costs are those of the labels that this iteration trained on, in percent."""
    folder = store.iteration(index)
    evaluation = EvaluationRecord.read(folder)
    clicks = store.read_pool_clicks()
    assert clicks is not None, "the pool's clicks are counted before the first iteration"
    ledger = cost_ledger(store, split, clicks, index)
    held_out = store.read_held_out_clicks(config)
    judging = [None if held_out is None else Events.of_images(held_out, ids) for ids in (split.validation, split.test)]
    return SummaryRecord(
        iteration=index,
        strategy=config.acquisition.strategy,
        seed=config.seed,
        miou=evaluation.miou,
        class_iou=evaluation.class_iou,
        test_miou=None if tested is None else tested.miou,
        test_class_iou=[] if tested is None else tested.class_iou,
        costs=ledger.costs(),
        labelled_share=ledger.labelled_share(labelled_pixels(clicks, regions)),
        boxes=ledger.query.boxes,
        query_boxes=folder.read_table("query.parquet").num_rows,
        r2=FitRecord.read(folder).r2,
        epochs=evaluation.epochs,
        best_epoch=evaluation.best_epoch,
        clicks=ClickSums.of(ledger, judging[0], judging[1] if split.test else None),
        seconds=folder.stage_seconds(),
        failed_images=sorted(OracleRecord.read(folder).failed_images),
    )


def cost_ledger(store: RunStore, split: Split, clicks: pa.Table, index: int) -> CostLedger:
    """Events of the pool and of all that was labelled before iteration `index`.

    clicks: WHOLE_IMAGE_CLICKS_SCHEMA of the pool.
    """
    query = Events()
    for earlier in range(index):
        query += Events.of_boxes(store.iteration(earlier).read_table("annotation.parquet"))
    initial, meta = (Events.of_images(clicks, ids) for ids in (split.initial, split.meta))
    return CostLedger(_pool(clicks), initial, query, meta)


def _pool(clicks: pa.Table) -> Events | PoolEstimate:
    """The pool's events; an estimate from L0 and M where people label, as nobody knows those of the others."""
    counted = clicks.filter(pc.is_valid(clicks["polygon_clicks"]))
    if counted.num_rows == clicks.num_rows:
        return Events.of_images(clicks)
    return PoolEstimate(counted, clicks.num_rows, int(pc.sum(clicks["pixels"]).as_py()))


def labelled_pixels(clicks: pa.Table, regions: LabelledRegions) -> int:
    """Pixels inside the union of whole images and boxes; `clicks` tells the pixels of each image."""
    labelled = 0
    for row in clicks.to_pylist():
        image_id = row[IMAGE_ID]
        if image_id in regions.images:
            labelled += row["pixels"]
        else:
            labelled += regions.labelled_pixels(image_id, *regions.extent(image_id))
    return labelled
