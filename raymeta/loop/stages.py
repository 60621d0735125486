"""The stages of one iteration: each does its work once and commits it to the run folder."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from raymeta.acquisition.strategies import STRATEGIES
from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.errors import InputError, WaitingForPeople
from raymeta.labels.annotator import TaskSet
from raymeta.loop.cost_matching import match_target
from raymeta.loop.image_scorer import Bundle
from raymeta.loop.query_choice import choose_query
from raymeta.loop.session import Session
from raymeta.loop.workers import SEGMENTS_TABLE, OnRows, Row, TrainingJob
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.networks.evaluation import iou_per_class, mean_iou
from raymeta.runs.background_writer import BackgroundWriter
from raymeta.runs.finished_blocks import FinishedBlocks
from raymeta.runs.input_key import input_key, labels_key, work_key
from raymeta.runs.iteration_folder import STAGES, TRAINING_STATE, IterationFolder
from raymeta.runs.records import EvaluationRecord, FitRecord, OracleRecord, ScoreRecord
from raymeta.runs.split import clicks_sample
from raymeta.schemas import (
    ANNOTATION_SCHEMA,
    IMAGE_ID,
    POOL_IMAGE_SCHEMA,
    QUERY_SCHEMA,
    TRAINING_SCHEMA,
)

__all__ = ["STAGES", "annotate", "finish_full_set", "fit", "run_from_blocks", "score", "train"]


def train(session: Session, folder: IterationFolder, index: int, known: KnownLabels) -> None:
    """Train the network from its start weights on the labels so far."""
    start = time.monotonic()
    session.progress.begin_stage("train")
    key = work_key(session.config, index, known)
    write: Callable[[bytes], None] = partial(folder.write_scratch, TRAINING_STATE, key=key)
    with BackgroundWriter(write, lambda old, new: new) as states:
        job = TrainingJob(index, known, session.split.validation, folder.read_scratch(TRAINING_STATE, key))
        trained = session.trainer.train(job, on_progress=session.progress.training, on_state=states.put)
    session.note_faults(trained.faults)
    confusion = np.array(trained.confusion, dtype=np.int64)
    evaluation = EvaluationRecord(
        miou=mean_iou(confusion),
        class_iou=[None if np.isnan(value) else float(value) for value in iou_per_class(confusion)],
        confusion=confusion.tolist(),
        best_epoch=trained.best_epoch,
        epochs=len(trained.history),
        faults=trained.faults,
    )
    folder.write_bytes("network.pt", trained.network)
    folder.write_table("training.parquet", pa.Table.from_pylist(trained.history, schema=TRAINING_SCHEMA))
    evaluation.write(folder)
    names = ["network.pt", "training.parquet", "evaluation.json"]
    folder.commit("train", names, time.monotonic() - start, inputs=labels_key(known))


def fit(session: Session, folder: IterationFolder, index: int, known: KnownLabels) -> None:
    """Fit the meta regressor on the segments of the meta set under this iteration's network."""
    start = time.monotonic()
    if not STRATEGIES[session.config.acquisition.strategy].needs_meta_regressor:
        FitRecord().write(folder)
        folder.commit("fit", ["fit.json"], time.monotonic() - start)
        return
    session.progress.begin_stage("fit", len(session.split.meta))
    network = folder.read_bytes("network.pt")
    reference = known.only(session.split.meta)
    bundle = session.scorer.share(Bundle(f"{index}-meta", index, network, None, known.regions, reference=reference))
    with folder.finished_blocks("fit", work_key(session.config, network, reference)) as finished:
        rows = run_from_blocks(session, finished, "meta_segments", session.split.meta, bundle)
    failed = failed_images(rows)
    session.leave_out(failed, len(rows), "images of the meta set")
    tables = [
        (row[IMAGE_ID], pa.ipc.open_stream(row[SEGMENTS_TABLE]).read_all()) for row in rows if row["error"] is None
    ]
    if not tables:
        raise InputError(f"no image of the meta set is readable: {failed}")
    image_ids = np.concatenate([np.repeat(image_id, table.num_rows) for image_id, table in tables])
    segments = pa.concat_tables([table for _, table in tables])
    options = session.config.meta_regressor
    regressor = MetaRegressor(options.kind, options.trees, options.depth, options.learning_rate, session.config.seed)
    regressor.fit(segments, image_ids)
    r2 = None if np.isnan(regressor.r2) else float(regressor.r2)
    folder.write_bytes("meta_regressor.bin", regressor.to_bytes())
    folder.write_table("segments.parquet", segments.append_column(IMAGE_ID, pa.array(image_ids.tolist(), pa.string())))
    FitRecord(r2=r2, segments=segments.num_rows, failed_images=failed).write(folder)
    folder.commit("fit", ["meta_regressor.bin", "segments.parquet", "fit.json"], time.monotonic() - start)


def score(session: Session, folder: IterationFolder, index: int, regions: LabelledRegions) -> None:
    """Score every image of the pool with one forward pass and select the best boxes of all of them."""
    start = time.monotonic()
    acquisition = session.config.acquisition
    strategy = STRATEGIES[acquisition.strategy]
    pool = [i for i in session.split.unlabelled if i not in session.faults]
    network = folder.read_bytes("network.pt")
    regressor = folder.read_bytes("meta_regressor.bin") if strategy.needs_meta_regressor else None
    key = work_key(session.config, network, regressor, regions)
    make_bundle = partial(Bundle, iteration=index, network=network, regressor=regressor, regions=regions)
    bundle = make_bundle(key=f"{index}-sample")
    if strategy.uses_clicks and acquisition.clicks_priority == "normalized":
        with folder.finished_blocks("sample", key) as finished:
            clicks_max = _sample_clicks_max(session, finished, pool, session.scorer.share(bundle))
        bundle = make_bundle(key=f"{index}-score", clicks_max=clicks_max)
    session.progress.begin_stage("score", len(pool))
    with folder.finished_blocks("score", input_key(key, bundle.clicks_max)) as finished:
        known = _counted(session, finished)
        candidates, rows = session.scorer.select(
            pool, session.scorer.share(bundle), on_rows=_keep(session, finished), known=known
        )
    session.leave_out(failed_images(rows), len(rows), "images of the pool")
    folder.write_table("images.parquet", _fit_schema(rows, POOL_IMAGE_SCHEMA))
    match = match_target(session.config, session.store, index)
    query, notes = choose_query(candidates, session.config, index, session.dataset, match)
    folder.write_table("query.parquet", query)
    ScoreRecord(clicks_max=bundle.clicks_max, strategy=acquisition.strategy, **notes).write(folder)
    folder.commit("score", ["images.parquet", "query.parquet", "score.json"], time.monotonic() - start)


def annotate(session: Session, folder: IterationFolder, index: int) -> None:
    """Ask for the labels of the query, and count the clicks that they cost.

    Raises:
        WaitingForPeople: they haven't labelled all of it yet.
    """
    start = time.monotonic()
    query = folder.read_table("query.parquet")
    session.progress.begin_stage("annotate", query.num_rows)
    ticket = session.annotator.ask(TaskSet.of_query(index, query))
    answers = session.annotator.collect(ticket)
    if answers is None:
        raise WaitingForPeople(session.annotator.wanted(ticket))
    session.leave_out(answers.faults, len(query[IMAGE_ID].unique()), "images of the query")
    folder.write_table("annotation.parquet", answers.effort)
    OracleRecord(failed_images=session.faults).write(folder)
    folder.commit("annotate", ["annotation.parquet", "oracle.json"], time.monotonic() - start)


def failed_images(rows: Sequence[Row]) -> dict[str, str]:
    """The reason for each image whose row tells of an error."""
    return {row[IMAGE_ID]: row["error"] for row in rows if row["error"] is not None}


def finish_full_set(session: Session, folder: IterationFolder) -> None:
    """The reference has nothing to fit, score or ask: empty tables, so that every run folder reads alike."""
    if not folder.is_committed("fit"):
        FitRecord().write(folder)
        folder.commit("fit", ["fit.json"])
    if not folder.is_committed("score"):
        folder.write_table("images.parquet", POOL_IMAGE_SCHEMA.empty_table())
        folder.write_table("query.parquet", QUERY_SCHEMA.empty_table())
        folder.commit("score", ["images.parquet", "query.parquet"])
    if not folder.is_committed("annotate"):
        folder.write_table("annotation.parquet", ANNOTATION_SCHEMA.empty_table())
        OracleRecord(failed_images=session.faults).write(folder)
        folder.commit("annotate", ["annotation.parquet", "oracle.json"])


def run_from_blocks(
    session: Session, finished: FinishedBlocks, task: str, image_ids: Sequence[str], bundle: Any | None = None
) -> list[Row]:
    """Rows of a task of ScoringWorker, sorted by image id; images in `finished` are taken from there."""
    wanted = set(image_ids)
    done = {row[IMAGE_ID]: row for rows in _counted(session, finished) for row in rows if row[IMAGE_ID] in wanted}
    todo = [image_id for image_id in image_ids if image_id not in done]
    rows = session.scorer.run(task, todo, bundle, on_rows=_keep(session, finished))
    return sorted([*done.values(), *rows], key=lambda row: row[IMAGE_ID].encode())


def _counted(session: Session, finished: FinishedBlocks) -> Iterator[list[Row]]:
    """The finished blocks; progress counts their rows."""
    for rows in finished.blocks():
        session.progress.advance(len(rows))
        yield rows


def _keep(session: Session, finished: FinishedBlocks) -> OnRows:
    """Count and keep the rows of a part; images that failed are tried again by a resumed run."""

    def keep(rows: list[Row], safe: Callable[[], None]) -> None:
        session.progress.advance(len(rows))
        finished.add([row for row in rows if row["error"] is None], safe)

    return keep


def _sample_clicks_max(session: Session, finished: FinishedBlocks, pool: list[str], bundle: Any) -> int:
    """Largest click count of a box on the sample, at least 1 (docs/method.md#normalised-click-priority)."""
    session.progress.begin_stage("sample")
    size = session.config.acquisition.clicks_sample_images
    sample = clicks_sample(session.split.unlabelled, session.config.seed, size)
    readable = [image_id for image_id in sample if image_id in set(pool)]
    rows = run_from_blocks(session, finished, "largest_box_clicks", readable, bundle)
    session.leave_out(failed_images(rows), len(rows), "images of the sample for clicks_max")
    return max([1, *(row["clicks"] for row in rows if row["error"] is None)])


def _fit_schema(rows: list[Row], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)
