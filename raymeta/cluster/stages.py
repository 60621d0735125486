"""The stages of one iteration: each does its work once and commits it to the run folder."""

import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import ray

from raymeta.acquisition.strategies import STRATEGIES
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.annotation.oracle import Oracle
from raymeta.cluster.network_trainer import NetworkTrainer
from raymeta.cluster.pool_scorer import PoolScorer, Row
from raymeta.cluster.progress import RunProgress
from raymeta.config import ExperimentConfig
from raymeta.datasets.sample import Dataset
from raymeta.experiment.clicks_sample import clicks_sample
from raymeta.experiment.cost_matching import cut_query
from raymeta.experiment.image_scorer import Bundle
from raymeta.experiment.iteration_folder import STAGES, IterationFolder
from raymeta.experiment.run_store import RunStore
from raymeta.experiment.split import Split
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.networks.evaluation import iou_per_class, mean_iou
from raymeta.schemas import (
    ANNOTATION_SCHEMA,
    IMAGE_ID,
    POOL_IMAGE_SCHEMA,
    QUERY_SCHEMA,
    RANK,
    TRAINING_SCHEMA,
    WIDTH,
)

__all__ = ["STAGES", "Session", "annotate", "finish_full_set", "fit", "score", "train"]

TRAINING_STATE = "training_state.pt"
STATE_WRITE_S = 15.0
"""Least seconds between two training states in the run folder: a state is several times the network's size."""


@dataclass
class Session:
    """Everything that lives as long as a run."""

    config: ExperimentConfig
    store: RunStore
    dataset: Dataset
    split: Split
    trainer: NetworkTrainer
    scorer: PoolScorer
    progress: RunProgress
    faults: dict[str, str] = field(default_factory=dict)

    def note_faults(self, faults: dict[str, str]) -> None:
        """Tell of each unreadable image once."""
        for image_id, reason in faults.items():
            if image_id not in self.faults:
                self.progress.say(f"left out {image_id}: {reason}")
        self.faults |= faults


def train(session: Session, folder: IterationFolder, index: int, regions: LabelledRegions) -> None:
    """Train the network from its start weights on the labels so far."""
    start, written = time.monotonic(), [time.monotonic()]
    session.progress.begin_stage("train")

    def keep(state: bytes) -> None:
        if time.monotonic() - written[0] > STATE_WRITE_S:
            folder.write_scratch(TRAINING_STATE, state)
            written[0] = time.monotonic()

    result = session.trainer.train(
        index,
        regions,
        session.split.validation,
        resume=folder.read_scratch(TRAINING_STATE),
        on_progress=session.progress.training,
        on_state=keep,
    )
    session.note_faults(result["faults"])
    confusion = np.array(result["confusion"], dtype=np.int64)
    evaluation = {
        "miou": mean_iou(confusion),
        "class_iou": [None if np.isnan(value) else float(value) for value in iou_per_class(confusion)],
        "confusion": confusion.tolist(),
        "best_epoch": result["best_epoch"],
        "epochs": len(result["history"]),
        "faults": result["faults"],
    }
    folder.write_bytes("network.pt", result["network"])
    folder.write_table("training.parquet", pa.Table.from_pylist(result["history"], schema=TRAINING_SCHEMA))
    folder.write_json("evaluation.json", evaluation)
    folder.commit("train", ["network.pt", "training.parquet", "evaluation.json"], time.monotonic() - start)
    folder.delete_scratch(TRAINING_STATE)


def fit(session: Session, folder: IterationFolder, index: int, regions: LabelledRegions) -> None:
    """Fit the meta regressor on the segments of the meta set under this iteration's network."""
    start = time.monotonic()
    if not STRATEGIES[session.config.acquisition.strategy].needs_meta_regressor:
        folder.write_json("fit.json", {"r2": None, "segments": 0, "failed_images": {}})
        folder.commit("fit", ["fit.json"], time.monotonic() - start)
        return
    session.progress.begin_stage("fit", len(session.split.meta))
    bundle = ray.put(Bundle(f"{index}-meta", index, folder.read_bytes("network.pt"), None, regions))
    rows = session.scorer.run("meta_segments", session.split.meta, bundle, on_rows=_advance(session))
    failed = {row[IMAGE_ID]: row["error"] for row in rows if row["error"] is not None}
    session.note_faults(failed)
    tables = [
        (row[IMAGE_ID], pa.ipc.open_stream(row["segments_table"]).read_all()) for row in rows if row["error"] is None
    ]
    if not tables:
        raise ValueError(f"no image of the meta set is readable: {failed}")
    image_ids = np.concatenate([np.repeat(image_id, table.num_rows) for image_id, table in tables])
    segments = pa.concat_tables([table for _, table in tables])
    options = session.config.meta_regressor
    regressor = MetaRegressor(options.kind, options.trees, options.depth, options.learning_rate, session.config.seed)
    regressor.fit(segments, image_ids)
    r2 = None if np.isnan(regressor.r2) else float(regressor.r2)
    folder.write_bytes("meta_regressor.bin", regressor.to_bytes())
    folder.write_table("segments.parquet", segments.append_column(IMAGE_ID, pa.array(image_ids.tolist(), pa.string())))
    folder.write_json("fit.json", {"r2": r2, "segments": segments.num_rows, "failed_images": failed})
    folder.commit("fit", ["meta_regressor.bin", "segments.parquet", "fit.json"], time.monotonic() - start)


def score(session: Session, folder: IterationFolder, index: int, regions: LabelledRegions) -> None:
    """Score every image of the pool with one forward pass and select the best boxes of all of them."""
    start = time.monotonic()
    acquisition = session.config.acquisition
    strategy = STRATEGIES[acquisition.strategy]
    pool = [i for i in session.split.unlabelled if i not in session.faults]
    regressor = folder.read_bytes("meta_regressor.bin") if strategy.needs_meta_regressor else None
    make_bundle = partial(Bundle, iteration=index, network=folder.read_bytes("network.pt"), regressor=regressor)
    bundle = make_bundle(key=f"{index}-sample", regions=regions)
    if strategy.uses_clicks and acquisition.clicks_priority == "normalized":
        clicks_max = _sample_clicks_max(session, pool, ray.put(bundle))
        bundle = make_bundle(key=f"{index}-score", regions=regions, clicks_max=clicks_max)
    session.progress.begin_stage("score", len(pool))
    query, rows = session.scorer.select(pool, ray.put(bundle), on_rows=_advance(session))
    session.note_faults({row[IMAGE_ID]: row["error"] for row in rows if row["error"] is not None})
    folder.write_table("images.parquet", _fit_schema(rows, POOL_IMAGE_SCHEMA))
    ranked = query_table(query, acquisition.box_width)
    asked, matched = cut_query(ranked, session.config, session.store, session.dataset, index)
    folder.write_table("query.parquet", asked)
    told = {"clicks_max": bundle.clicks_max, "strategy": acquisition.strategy, "matched": matched}
    folder.write_json("score.json", told)
    folder.commit("score", ["images.parquet", "query.parquet", "score.json"], time.monotonic() - start)


def annotate(session: Session, folder: IterationFolder) -> None:
    """Ask the oracle for the labels of the query and count the clicks that they cost."""
    start = time.monotonic()
    query = folder.read_table("query.parquet")
    session.progress.begin_stage("annotate", query.num_rows)
    oracle = Oracle(session.dataset, session.config.acquisition.epsilon)
    answers = []
    for image_id in query[IMAGE_ID].unique().to_pylist():
        boxes = query.filter(pc.equal(query[IMAGE_ID], image_id))
        try:
            answers.append(oracle.answer(boxes))
        except (OSError, ValueError) as error:
            # Without labels the boxes stay unlabelled; the image is left out from now on.
            session.note_faults({image_id: str(error)})
        session.progress.advance(boxes.num_rows)
    annotation = pa.concat_tables(answers) if answers else ANNOTATION_SCHEMA.empty_table()
    folder.write_table("annotation.parquet", annotation.sort_by(RANK))
    folder.write_json("oracle.json", {"failed_images": session.faults})
    folder.commit("annotate", ["annotation.parquet", "oracle.json"], time.monotonic() - start)


def finish_full_set(folder: IterationFolder) -> None:
    """The reference has nothing to fit, score or ask: empty tables, so that every run folder reads alike."""
    if not folder.is_committed("fit"):
        folder.write_json("fit.json", {"r2": None, "segments": 0, "failed_images": {}})
        folder.commit("fit", ["fit.json"])
    if not folder.is_committed("score"):
        folder.write_table("images.parquet", POOL_IMAGE_SCHEMA.empty_table())
        folder.write_table("query.parquet", QUERY_SCHEMA.empty_table())
        folder.commit("score", ["images.parquet", "query.parquet"])
    if not folder.is_committed("annotate"):
        folder.write_table("annotation.parquet", ANNOTATION_SCHEMA.empty_table())
        folder.write_json("oracle.json", {"failed_images": {}})
        folder.commit("annotate", ["annotation.parquet", "oracle.json"])


def _sample_clicks_max(session: Session, pool: list[str], bundle: Any) -> int:
    """Largest box click count on a fixed seeded sample of the pool (DESIGN 2.2), at least 1."""
    session.progress.begin_stage("sample")
    size = session.config.acquisition.clicks_sample_images
    sample = clicks_sample(session.split.unlabelled, session.config.seed, size)
    rows = session.scorer.run("largest_box_clicks", [i for i in sample if i not in session.faults], bundle)
    return max([1, *(row["clicks"] for row in rows if row["error"] is None)])


def _advance(session: Session) -> Any:
    def advance(rows: list[Row]) -> None:
        session.progress.advance(len(rows))

    return advance


def _fit_schema(rows: list[Row], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)


def query_table(selected: pa.Table, box_width: int) -> pa.Table:
    count = selected.num_rows
    columns = {
        **{name: selected[name] for name in selected.column_names},
        WIDTH: pa.array([box_width] * count, pa.int32()),
        RANK: pa.array(range(1, count + 1), pa.int32()),
    }
    return pa.table([columns[name].cast(QUERY_SCHEMA.field(name).type) for name in QUERY_SCHEMA.names], QUERY_SCHEMA)
