"""The stages of one iteration: each does its work once and commits it to the run folder."""

import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pyarrow as pa

from raymeta.acquisition.policies.registry import candidate_merge
from raymeta.acquisition.predicted_clicks import COST_FEATURES
from raymeta.acquisition.strategies import at_iteration, strategy_of
from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.segment_answers import origin_counts, origins_text
from raymeta.errors import WaitingForPeople
from raymeta.labels.annotator import TaskSet, query_set_name
from raymeta.labels.label_store import LABELS
from raymeta.labels.task_sets import table_digest
from raymeta.loop.block_runs import counted, failed_images, keep_rows
from raymeta.loop.cost_fitting import COST_REGRESSOR, QUERY_COSTS, cost_agreement, fit_cost_regressor, query_costs
from raymeta.loop.meta_fitting import fit_meta_regressor
from raymeta.loop.prelabelling import prelabel_open_images, query_prelabels
from raymeta.loop.query_choice import choose_query
from raymeta.loop.scoring_bundle import scoring_bundle
from raymeta.loop.session import Session
from raymeta.loop.shared_work import SharedWork
from raymeta.loop.workers import TrainedNetwork, TrainingJob
from raymeta.networks.evaluation import iou_per_class, mean_iou
from raymeta.runs.background_writer import BackgroundWriter
from raymeta.runs.image_rows import ImageRow, image_table
from raymeta.runs.input_key import labels_key, work_key
from raymeta.runs.iteration_folder import STAGES, TRAINING_STATE, IterationFolder
from raymeta.runs.query_sources import with_sources
from raymeta.runs.records import EvaluationRecord, FitRecord, OracleRecord, ScoreRecord
from raymeta.schemas import (
    ANNOTATION_SCHEMA,
    IMAGE_ID,
    POOL_IMAGE_SCHEMA,
    QUERY_SCHEMA,
    TRAINING_SCHEMA,
)
from raymeta.training.determinism import training_seed

__all__ = ["STAGES", "annotate", "finish_full_set", "fit", "score", "train"]


def train(session: Session, folder: IterationFolder, index: int, known: KnownLabels) -> None:
    """Train the network from its start weights on the labels so far."""
    start = time.monotonic()
    session.progress.begin_stage("train")
    for name, count in session.labels.corrected(index).items():
        session.progress.say(
            f"{count} answers of {name} were corrected since iteration {index - 1} was trained: iteration {index} "
            "trains on the corrected ones"
        )
    key = work_key(session.config, training_seed(session.config.seed, index), known)
    write: Callable[[bytes], None] = partial(folder.write_scratch, TRAINING_STATE, key=key)
    with BackgroundWriter(write, lambda old, new: new) as states:
        job = TrainingJob(
            index, known, _labelled(session.split.validation, known), folder.read_scratch(TRAINING_STATE, key)
        )
        with session.scorer.encode_ahead(_wanted_soon(session, job) if index == 0 else ()):
            trained, taken_over = _trained(session, job, states.put)
    session.note_faults(trained.faults)
    confusion = np.array(trained.confusion, dtype=np.int64)
    evaluation = EvaluationRecord(
        miou=mean_iou(confusion),
        class_iou=[None if np.isnan(value) else float(value) for value in iou_per_class(confusion)],
        confusion=confusion.tolist(),
        best_epoch=trained.best_epoch,
        epochs=len(trained.history),
        faults=trained.faults,
        taken_over=taken_over,
    )
    folder.write_bytes("network.pt", trained.network)
    folder.write_table("training.parquet", pa.Table.from_pylist(trained.history, schema=TRAINING_SCHEMA))
    evaluation.write(folder)
    names = ["network.pt", "training.parquet", "evaluation.json"]
    if (snapshot := session.labels.keep_snapshot(index)) is not None:
        folder.write_table(LABELS, snapshot)
        names.append(LABELS)
    folder.commit("train", names, time.monotonic() - start, inputs=labels_key(known))


def _trained(
    session: Session, job: TrainingJob, keep_state: Callable[[bytes], None]
) -> tuple[TrainedNetwork, bool | None]:
    """The network, and whether another run of the study had trained the very same; None where nothing is shared."""
    shared = SharedWork.of(session.config)
    found = None if shared is None else shared.training(session.config, job)
    if found is not None:
        return found, True
    trained = session.trainer.train(job, on_progress=session.training_progress, on_state=keep_state)
    if shared is None:
        return trained, None
    shared.keep_training(session.config, job, trained)
    return trained, False


def _wanted_soon(session: Session, job: TrainingJob) -> list[str]:
    """Images whose features nobody has made before the first iteration, in the order in which they are needed.

    Those of validation reach the training through the run folder, if they are kept there, then the pool is scored.
    """
    validation = job.validation_ids if session.config.network.kept_features == "disk" else ()
    scored = session.split.unlabelled if session.config.acquisition.strategy != "full_set" else ()
    return [*validation, *scored]


def _labelled(image_ids: Sequence[str], known: KnownLabels) -> tuple[str, ...]:
    """Images of the meta set or validation whose labels are there: people may have left some of them out."""
    return tuple(image_id for image_id in image_ids if image_id in known.reference)


def fit(session: Session, folder: IterationFolder, index: int, known: KnownLabels) -> None:
    """Fit what scoring needs beside the network: the meta regressor, and the cost regressor."""
    start = time.monotonic()
    strategy = strategy_of(at_iteration(session.config.acquisition, index))
    record, names = FitRecord(), ["fit.json"]
    if strategy.needs_meta_regressor:
        record = fit_meta_regressor(session, folder, index, known)
        names = ["meta_regressor.bin", "segments.parquet", *names]
    if strategy.learned_clicks:
        record = record.model_copy(update={"cost_regressor": fit_cost_regressor(session, folder, index, known)})
        names = [COST_REGRESSOR, *names]
    record.write(folder)
    folder.commit("fit", names, time.monotonic() - start)


def score(session: Session, folder: IterationFolder, index: int, known: KnownLabels) -> None:
    """Score every image of the pool with one forward pass and choose the query among the best boxes of all of them."""
    start = time.monotonic()
    acquisition = at_iteration(session.config.acquisition, index)
    pool = [i for i in session.split.unlabelled if i not in session.faults]
    bundle, key = scoring_bundle(session, folder, index, known, pool)
    session.progress.begin_stage("score", len(pool))
    with folder.finished_blocks("score", key) as finished:
        candidates, rows = session.scorer.select(
            pool,
            session.scorer.share(bundle),
            candidate_merge(acquisition),
            on_rows=keep_rows(session, finished),
            known=counted(session, finished),
        )
    session.leave_out(failed_images(rows), len(rows), "images of the pool")
    folder.write_table("images.parquet", image_table(map(ImageRow.of, rows)))
    query, chosen, notes = choose_query(candidates, session.config, session.store, session.dataset, index)
    asked = _sealed(session, index, query)
    folder.write_table("query.parquet", with_sources(asked, session.dataset, session.config.dataset))
    names = ["images.parquet", "query.parquet", "score.json"]
    if COST_FEATURES in chosen.column_names and asked is query:
        folder.write_table(QUERY_COSTS, query_costs(chosen))
        names.append(QUERY_COSTS)
    weights = None if bundle.class_weights is None else list(bundle.class_weights)
    record = ScoreRecord(clicks_max=bundle.clicks_max, strategy=acquisition.strategy, class_weights=weights, **notes)
    record.write(folder)
    folder.commit("score", names, time.monotonic() - start)


def _sealed(session: Session, index: int, query: pa.Table) -> pa.Table:
    """The query, or the one that was handed out to people before: that never changes."""
    asked = session.annotator.asked(index)
    if asked is None:
        return query
    if table_digest(asked) != table_digest(query):
        session.progress.say(
            f"{query_set_name(index)} was handed out ({table_digest(asked)}), and score now asks for other boxes "
            f"({table_digest(query)}): the handed-out ones stay"
        )
    return asked


def annotate(session: Session, folder: IterationFolder, index: int) -> None:
    """Ask for the labels of the query, and count the clicks that they cost.

    Raises:
        WaitingForPeople: they haven't labelled all of it yet.
    """
    start = time.monotonic()
    query = folder.read_table("query.parquet")
    session.progress.begin_stage("annotate", query.num_rows)
    prelabel_open_images(session, folder, index)
    prelabels = query_prelabels(session, folder, index, query)
    ticket = session.annotator.ask(TaskSet.of_query(index, query, prelabels))
    answers = session.annotator.collect(ticket)
    if answers is None:
        raise WaitingForPeople(f"{session.annotator.wanted(ticket)}\n{session.annotator.how()}")
    session.leave_out(answers.faults, len(query[IMAGE_ID].unique()), "images of the query")
    folder.write_table("annotation.parquet", answers.effort)
    agreement = None
    if folder.is_named(QUERY_COSTS):
        costs = folder.read_table(QUERY_COSTS)
        agreement = cost_agreement(costs, query, answers.effort, session.config.acquisition)
    origins = origin_counts(answers.effort)
    if origins:
        session.progress.say(f"{session.config.acquisition.asked} of iteration {index}: {origins_text(origins)}")
    OracleRecord(failed_images=session.faults, cost_agreement=agreement, origins=origins).write(folder)
    folder.commit("annotate", ["annotation.parquet", "oracle.json"], time.monotonic() - start)


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
