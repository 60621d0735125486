"""Clicks of the pool where people label: counted on the images that they labelled wholly, unknown for all others."""

from typing import Any

import pyarrow as pa

from raymeta.annotation.oracle import Oracle
from raymeta.labels.annotator import INITIAL, META
from raymeta.labels.people_annotator import whole_image_row
from raymeta.loop.session import Session
from raymeta.schemas import IMAGE_ID, WHOLE_IMAGE_CLICKS_SCHEMA


def estimate_pool_clicks(session: Session) -> None:
    """Keep a row for each image of the pool: its pixels, and its clicks where it is labelled wholly (L0 and M).

    The costs are shares of an estimate from these images (`PoolEstimate`), with its interval; pixels are exact.
    """
    if session.store.read_pool_clicks(session.config) is not None:
        return
    counted = _labelled_rows(session)
    rows = []
    for image_id in session.split.pool:
        height, width = session.dataset.size(image_id)
        unknown = {IMAGE_ID: image_id, "polygon_clicks": None, "class_clicks": None, "pixels": height * width}
        rows.append(counted.get(image_id, unknown))
    session.store.write_pool_clicks(pa.Table.from_pylist(rows, schema=WHOLE_IMAGE_CLICKS_SCHEMA), session.config)


def _labelled_rows(session: Session) -> dict[str, dict[str, Any]]:
    """Rows of the images that people labelled wholly, and of those whose labels the data set brought."""
    rows: dict[str, dict[str, Any]] = {}
    classes = session.dataset.num_classes
    for name in (INITIAL, META):
        for state in session.labels.states(name):
            if state.accepted is not None:
                labels = state.accepted.labels()
                rows[state.task.image_id] = whole_image_row(state.task.image_id, labels, session.config, classes)
    oracle = Oracle(session.dataset, session.config.acquisition.epsilon)
    asked = {task.image_id for name in (INITIAL, META) for task in session.labels.sets.tasks(name)}
    for image_id in (*session.split.initial, *session.split.meta):
        if image_id not in asked:
            clicks = oracle.whole_image_clicks(image_id)
            height, width = session.dataset.size(image_id)
            row = {IMAGE_ID: image_id, "polygon_clicks": clicks.polygon, "class_clicks": clicks.class_}
            rows[image_id] = row | {"pixels": height * width}
    return rows
