"""Images that nothing is learnt from: what their labels cost, and the network on the test split."""

import time

import numpy as np
import pyarrow as pa

from raymeta.labels.annotator import VALIDATION
from raymeta.labels.people_annotator import whole_image_row
from raymeta.loop.block_runs import failed_images, run_from_blocks
from raymeta.loop.bundle import Bundle
from raymeta.loop.session import Session
from raymeta.loop.workers import Row
from raymeta.networks.evaluation import iou_per_class, mean_iou
from raymeta.runs.input_key import input_key, work_key
from raymeta.runs.iteration_folder import IterationFolder
from raymeta.runs.records import HeldOutRecord
from raymeta.schemas import IMAGE_ID, WHOLE_IMAGE_CLICKS_SCHEMA


def count_held_out_clicks(session: Session) -> None:
    """Count the clicks of each image of validation and of the test split once a run, and keep them.

    They are in none of the costs. Images that can't be read are left out: training and judging tell of them.
    """
    finished = session.store.finished_blocks("held_out_clicks", work_key(session.config, session.dataset.name))
    if session.store.read_held_out_clicks(session.config) is not None:
        finished.discard()  # a process was killed between keeping the clicks and this
        return
    by_people = _labelled_by_people(session)
    split = session.split
    wanted = [i for i in split.validation + split.test if i not in by_people and session.dataset.has_labels(i)]
    session.progress.begin_stage("held_out_clicks", len(wanted))
    with finished:
        rows = run_from_blocks(session, finished, "whole_image_clicks", wanted)
    rows = sorted([*rows, *by_people.values()], key=lambda row: row[IMAGE_ID].encode())
    counted = [{n: row[n] for n in WHOLE_IMAGE_CLICKS_SCHEMA.names} for row in rows if row.get("error") is None]
    session.store.write_held_out_clicks(pa.Table.from_pylist(counted, schema=WHOLE_IMAGE_CLICKS_SCHEMA), session.config)
    finished.discard()


def _labelled_by_people(session: Session) -> dict[str, Row]:
    """Rows of the validation images that people labelled; those that they left out have none, but are in here."""
    if session.config.oracle.kind != "people":
        return {}
    rows: dict[str, Row] = {}
    for state in session.labels.states(VALIDATION):
        image_id = state.task.image_id
        rows[image_id] = {IMAGE_ID: image_id, "error": "not labelled"}
        if state.accepted is not None:
            labels = state.accepted.labels()
            rows[image_id] = whole_image_row(image_id, labels, session.config, session.dataset.num_classes)
    return rows


def judge_on_test_split(session: Session, folder: IterationFolder, index: int) -> HeldOutRecord | None:
    """The iteration's network on the test split, written for stage `summary` to commit; None where there is no split.

    Raises:
        TooManyFailedImagesError: more than `dataset.max_failed_share` of the images can't be read.
    """
    images = session.split.test
    if not images:
        return None
    start, network = time.monotonic(), folder.read_bytes("network.pt")
    session.progress.begin_stage("test", len(images))
    bundle = Bundle(f"{index}-test", index, network, None, session.labels.known_labels(index).regions)
    key = input_key(work_key(session.config, network), *images)
    with folder.finished_blocks("test", key) as finished:
        rows = run_from_blocks(session, finished, "test_confusion", images, session.scorer.share(bundle))
    failed = failed_images(rows)
    session.leave_out(failed, len(images), "images of the test split")
    classes = session.dataset.num_classes
    counts = [row["confusion"] for row in rows if row["error"] is None]
    confusion = np.array(counts, dtype=np.int64).reshape(-1, classes, classes).sum(axis=0)
    miou = mean_iou(confusion)
    record = HeldOutRecord(
        miou=None if np.isnan(miou) else miou,
        class_iou=[None if np.isnan(value) else float(value) for value in iou_per_class(confusion)],
        confusion=confusion.tolist(),
        images=len(counts),
        seconds=time.monotonic() - start,
        failed_images=failed,
    )
    record.write(folder)
    return record
