"""The Ray Data task that hands a part of the image ids to a scoring actor.

In a module of its own, which loads little: each process that runs such a task imports it, and only waits.
"""

import pickle
from typing import Any

import ray

from raymeta.loop.workers import SEGMENTS_TABLE
from raymeta.schemas import IMAGE_ID

PARTS_LEFT = "parts_left"
"""Field of a row whose segment table was too large: parts that its worker still holds; see `add_rest`."""

PART, ROWS = "part", "rows"
"""Columns of the task's batches beside IMAGE_ID: the part's number goes in; it and the pickled rows come out."""

LOAD_ANSWER_S = 0.2
UNKNOWN_LOAD = 2
"""Parts of a worker that doesn't answer, as many as it takes at once."""


def ask_worker(batch: Any, *, workers: list[Any], job: str, task: str, bundle: list[Any], selection: Any) -> Any:
    """Hand a part of the image ids to one warm actor and wait for its rows."""
    part = int(batch[PART][0])
    worker = _least_loaded(workers, part)
    image_ids = [str(image_id) for image_id in batch[IMAGE_ID]]
    rows = ray.get(worker.run.remote((job, part), task, image_ids, bundle, selection))
    while not all(add_rest(row, worker) for row in rows):  # it has been restarted since, and its tables are lost
        rows = ray.get(worker.run.remote((job, part), task, image_ids, bundle, selection))
    # Pickled: rows of different tasks and images differ in their fields, which Arrow columns would not keep.
    return {ROWS: [pickle.dumps(rows)], PART: [part]}


def _least_loaded(workers: list[Any], part: int) -> Any:
    """The worker with the fewest parts; one that doesn't answer, since it is being restarted, comes last."""
    if len(workers) == 1:
        return workers[0]
    loads = [worker.load.remote() for worker in workers]
    ready, _ = ray.wait(loads, num_returns=len(loads), timeout=LOAD_ANSWER_S)
    known = {reference: ray.get(reference) for reference in ready}
    order = [(part + shift) % len(workers) for shift in range(len(workers))]  # parts that start at once spread out
    return workers[min(order, key=lambda index: known.get(loads[index], UNKNOWN_LOAD))]


def add_rest(row: dict[str, Any], worker: Any) -> bool:
    """Complete a row by the parts that its worker (actor handle) still holds; False where these are lost."""
    parts = [row.get(SEGMENTS_TABLE, b"")]
    for left in range(row.pop(PARTS_LEFT, 0), 0, -1):
        part = ray.get(worker.next_part.remote(row[IMAGE_ID], left))
        if part is None:
            return False
        parts.append(part)
    if len(parts) > 1:
        row[SEGMENTS_TABLE] = b"".join(parts)
    return True
