"""The clicks of every whole image of the pool: the denominators of the costs (docs/method.md#whole-images)."""

import pyarrow as pa

from raymeta.loop.block_runs import failed_images, run_from_blocks
from raymeta.loop.session import Session
from raymeta.loop.shared_work import SharedWork
from raymeta.runs.input_key import work_key
from raymeta.schemas import IMAGE_ID, WHOLE_IMAGE_CLICKS_SCHEMA


def count_pool_clicks(session: Session) -> None:
    """Count the clicks of each image of P once, and keep them; images that couldn't be read are tried again.

    Raises:
        TooManyFailedImagesError: more than `dataset.max_failed_share` of the pool can't be read.
    """
    pool = session.split.pool
    kept = session.store.read_pool_clicks(session.config)
    shared = SharedWork.of(session.config)
    if kept is None and shared is not None:
        kept = shared.pool_clicks(session.config, pool)
        if kept is not None:
            session.store.write_pool_clicks(kept, session.config)
    known = set() if kept is None else set(kept[IMAGE_ID].to_pylist())
    missing = [image_id for image_id in pool if image_id not in known]
    finished = session.store.finished_blocks("pool_clicks", work_key(session.config, session.dataset.name))
    if kept is not None and not missing:
        finished.discard()
        return
    session.progress.begin_stage("clicks", len(missing))
    with finished:
        rows = run_from_blocks(session, finished, "whole_image_clicks", missing)
    session.leave_out(failed_images(rows), len(pool), "images of the pool")
    counted = [{name: row[name] for name in WHOLE_IMAGE_CLICKS_SCHEMA.names} for row in rows if row["error"] is None]
    if counted or kept is None:
        everything = counted + ([] if kept is None else kept.to_pylist())
        everything.sort(key=lambda row: row[IMAGE_ID].encode())
        table = pa.Table.from_pylist(everything, schema=WHOLE_IMAGE_CLICKS_SCHEMA)
        session.store.write_pool_clicks(table, session.config)
        if shared is not None:
            shared.keep_pool_clicks(session.config, table)
    finished.discard()
