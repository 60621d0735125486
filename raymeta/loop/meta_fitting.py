"""The meta regressor of an iteration: from a meta set, or from what is labelled anyway."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.errors import InputError
from raymeta.loop.block_runs import failed_images, run_from_blocks
from raymeta.loop.bundle import Bundle
from raymeta.loop.session import Session
from raymeta.loop.workers import SEGMENTS_TABLE
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.runs.input_key import work_key
from raymeta.runs.iteration_folder import IterationFolder
from raymeta.runs.records import FitRecord
from raymeta.schemas import IMAGE_ID

SEGMENTS: Final = "segments.parquet"
ANSWERED_IN: Final = "answered_in"
"""Column of SEGMENTS without a meta set: whose query's answers a row is of; -1 for L0."""
L0_ROWS: Final = -1


@dataclass(frozen=True)
class _Work:
    """Segments to be measured: a task of `ImageTasks`, its images, and the labels that it may see."""

    name: str
    task: str
    images: Sequence[str]
    network: bytes
    labels: KnownLabels


def fit_meta_regressor(session: Session, folder: IterationFolder, index: int, known: KnownLabels) -> FitRecord:
    """Write the meta regressor of this iteration's network, and the segments that it was fitted on."""
    network, failed = folder.read_bytes("network.pt"), dict[str, str]()
    if session.split.meta:
        meta = tuple(image_id for image_id in session.split.meta if image_id in known.reference)
        work = _Work("fit", "meta_segments", meta, network, known.only(meta))
        segments = _measure(session, folder, index, work, failed)
    else:
        segments = _labelled_segments(session, folder, index, known, failed)
    if not segments.num_columns:
        raise InputError(f"no image that fits the meta regressor is readable: {failed}")
    options = session.config.meta_regressor
    regressor = MetaRegressor(options.kind, options.trees, options.depth, options.learning_rate, session.config.seed)
    regressor.fit(segments, segments[IMAGE_ID].to_pylist())
    r2 = None if np.isnan(regressor.r2) else float(regressor.r2)
    folder.write_bytes("meta_regressor.bin", regressor.to_bytes())
    folder.write_table(SEGMENTS, segments)
    answered = ANSWERED_IN in segments.column_names and pc.sum(pc.greater_equal(segments[ANSWERED_IN], 0)).as_py()
    return FitRecord(r2=r2, segments=segments.num_rows, answered_segments=int(answered or 0), failed_images=failed)


def _labelled_segments(
    session: Session, folder: IterationFolder, index: int, known: KnownLabels, failed: dict[str, str]
) -> pa.Table:
    """L0 under this network, answered boxes under those that asked for them (docs/method.md#free-meta-set)."""
    initial = LabelledRegions.from_images(session.split.initial)
    answers = {image_id: known.answers[image_id] for image_id in initial.images if image_id in known.answers}
    own = _Work(
        "initial",
        "labelled_parts",
        session.split.initial,
        folder.read_bytes("network.pt"),
        KnownLabels(initial, answers=answers),
    )
    tables = [_marked(_measure(session, folder, index, own, failed), L0_ROWS)]
    earlier = _measured_before(session, index)
    for query in range(index):
        kept = None if earlier is None else earlier.filter(pc.equal(earlier[ANSWERED_IN], query))
        if kept is None or not kept.num_rows:
            kept = _marked(_measure(session, folder, query, _answered(session, query, known), failed), query)
        tables.append(kept)
    filled = [table for table in tables if table.num_columns > 1]
    return pa.concat_tables(filled) if filled else pa.table({})


def _measured_before(session: Session, index: int) -> pa.Table | None:
    """What the iteration before has measured already; None if nothing: it asked for random boxes, or there was none."""
    if not index:
        return None
    folder = session.store.iteration(index - 1)
    return folder.read_table(SEGMENTS) if folder.is_named(SEGMENTS) else None


def _answered(session: Session, query: int, known: KnownLabels) -> _Work:
    """The boxes of an earlier query, under the network that asked for them: it hadn't seen their labels."""
    folder = session.store.iteration(query)
    regions = LabelledRegions().with_boxes(folder.read_table("annotation.parquet"))
    answers = {image_id: known.answers[image_id] for image_id in regions.boxes if image_id in known.answers}
    labels = KnownLabels(regions, answers=answers)
    return _Work(f"answered_{query}", "labelled_parts", regions.image_ids(), folder.read_bytes("network.pt"), labels)


def _measure(session: Session, folder: IterationFolder, index: int, work: _Work, failed: dict[str, str]) -> pa.Table:
    """Segment tables of the images, one below the other, with IMAGE_ID; no column where none is readable.

    index: of the network's iteration. failed: takes the images that can't be read.
    """
    session.progress.begin_stage("fit", len(work.images))
    bundle = Bundle(f"{index}-{work.name}", index, work.network, None, LabelledRegions(), reference=work.labels)
    with folder.finished_blocks(work.name, work_key(session.config, work.network, work.labels)) as finished:
        rows = run_from_blocks(session, finished, work.task, work.images, session.scorer.share(bundle))
    session.leave_out(failed_images(rows), len(rows), "images that fit the meta regressor")
    failed.update(failed_images(rows))
    tables = list(_tables(rows))
    return pa.concat_tables(tables) if tables else pa.table({})


def _tables(rows: Sequence[dict[str, object]]) -> Iterator[pa.Table]:
    for row in rows:
        if row["error"] is None:
            table = pa.ipc.open_stream(row[SEGMENTS_TABLE]).read_all()
            yield table.append_column(IMAGE_ID, pa.array([row[IMAGE_ID]] * table.num_rows, pa.string()))


def _marked(table: pa.Table, query: int) -> pa.Table:
    return table.append_column(ANSWERED_IN, pa.array([query] * table.num_rows, pa.int32()))
