"""The numbers of one iteration: mIoU, costs, R², times."""

from typing import Any

import pyarrow as pa

from raymeta.annotation.costs import CostLedger, ImageSums, QuerySums
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.config import ExperimentConfig
from raymeta.runs.run_store import RunStore
from raymeta.runs.split import Split
from raymeta.schemas import IMAGE_ID


def iteration_summary(
    config: ExperimentConfig, store: RunStore, split: Split, index: int, regions: LabelledRegions
) -> dict[str, Any]:
    """Content of summary.json; costs are those of the labels that this iteration trained on, in percent."""
    folder = store.iteration(index)
    evaluation = folder.read_json("evaluation.json")
    clicks = store.read_pool_clicks()
    assert clicks is not None, "the pool's clicks are counted before the first iteration"
    query = QuerySums()
    for earlier in range(index):
        query += QuerySums.from_table(store.iteration(earlier).read_table("annotation.parquet"))
    pool, initial, meta = (ImageSums.from_table(clicks, ids) for ids in (split.pool, split.initial, split.meta))
    ledger = CostLedger(pool, initial, query, meta)
    fit = folder.read_json("fit.json")
    return {
        "iteration": index,
        "strategy": config.acquisition.strategy,
        "seed": config.seed,
        "miou": evaluation["miou"],
        "class_iou": evaluation["class_iou"],
        **vars(ledger.costs()),
        **{f"{name}_without_meta": value for name, value in vars(ledger.costs_without_meta()).items()},
        "labelled_share": ledger.labelled_share(labelled_pixels(clicks, regions)),
        "boxes": query.boxes,
        "query_boxes": folder.read_table("query.parquet").num_rows,
        "r2": fit["r2"],
        "epochs": evaluation["epochs"],
        "best_epoch": evaluation["best_epoch"],
        "clicks": {"pool": vars(pool), "initial": vars(initial), "meta": vars(meta), "query": vars(query)},
        "seconds": folder.stage_seconds(),
        "failed_images": sorted(folder.read_json("oracle.json")["failed_images"]),
    }


def labelled_pixels(clicks: pa.Table, regions: LabelledRegions) -> int:
    """Pixels inside the union of whole images and boxes; `clicks` tells the pixels of each image."""
    labelled = 0
    for row in clicks.to_pylist():
        image_id = row[IMAGE_ID]
        if image_id in regions.images:
            labelled += row["pixels"]
        elif boxes := regions.boxes.get(image_id):
            bottom, right = max(box.bottom for box in boxes), max(box.right for box in boxes)
            labelled += regions.labelled_pixels(image_id, bottom, right)
    return labelled
