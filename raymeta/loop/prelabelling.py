"""What the network sees in the tasks that are about to be handed out: people start from it."""

from collections.abc import Sequence

import pyarrow as pa

from raymeta.acquisition.strategies import at_iteration, strategy_of
from raymeta.labels.annotator import INITIAL, query_set_name
from raymeta.labels.prelabels import PRELABEL_SCHEMA
from raymeta.labels.task_sets import TASK_ID, task_id
from raymeta.labels.task_states import OPEN
from raymeta.loop.block_runs import run_from_blocks
from raymeta.loop.bundle import Bundle, Region
from raymeta.loop.session import Session
from raymeta.loop.workers import SEGMENTS_TABLE
from raymeta.runs.input_key import work_key
from raymeta.runs.iteration_folder import IterationFolder
from raymeta.schemas import IMAGE_ID, LEFT, RANK, TOP, WIDTH

AskedRegion = tuple[str, str, Region]
"""Id of a task, its image, and its region in the data set's pixels."""


def query_prelabels(session: Session, folder: IterationFolder, index: int, query: pa.Table) -> pa.Table | None:
    """PRELABEL_SCHEMA of a query that people are about to be asked; None where nobody needs it.

    Args:
        session: of the run.
        folder: of the iteration, whose network predicts.
        index: of the iteration.
        query: QUERY_SCHEMA.
    """
    if session.config.oracle.kind != "people" or session.annotator.asked(index) is not None:
        return None
    name = query_set_name(index)
    asked = [
        (task_id(name, row[RANK]), row[IMAGE_ID], (row[TOP], row[LEFT], row[WIDTH], row[WIDTH]))
        for row in query.to_pylist()
    ]
    return _predicted(session, folder, index, asked)


def prelabel_open_images(session: Session, folder: IterationFolder, index: int) -> None:
    """Keep pre-annotations of initial images that are open again, now that there is a network.

    Args:
        session: of the run.
        folder: of the iteration, whose network predicts.
        index: of the iteration.
    """
    labels = session.labels
    if session.config.oracle.kind != "people" or labels.prelabels.of_set(INITIAL):
        return
    opened = [state.task for state in labels.states(INITIAL) if state.name in OPEN]
    asked = [(task.id, task.image_id, (task.top, task.left, task.height, task.width)) for task in opened]
    if asked:
        labels.prelabels.keep(INITIAL, _predicted(session, folder, index, asked))


def _predicted(session: Session, folder: IterationFolder, index: int, asked: Sequence[AskedRegion]) -> pa.Table:
    """Segments of all tasks whose images can be read, in the order of the tasks."""
    by_image: dict[str, tuple[tuple[str, Region], ...]] = {}
    for task, image_id, region in asked:
        by_image[image_id] = (*by_image.get(image_id, ()), (task, region))
    network = folder.read_bytes("network.pt")
    strategy = strategy_of(at_iteration(session.config.acquisition, index))
    regressor = folder.read_bytes("meta_regressor.bin") if strategy.needs_meta_regressor else None
    known = session.labels.known_labels(index).regions
    bundle = session.scorer.share(Bundle(f"{index}-prelabels", index, network, regressor, known, tasks=by_image))
    with folder.finished_blocks("prelabels", work_key(session.config, network, regressor, repr(asked))) as finished:
        rows = run_from_blocks(session, finished, "predicted_segments", list(by_image), bundle)
    tables = [pa.ipc.open_stream(row[SEGMENTS_TABLE]).read_all() for row in rows if row["error"] is None]
    found = pa.concat_tables([PRELABEL_SCHEMA.empty_table(), *tables])
    place = {task: number for number, (task, _, _) in enumerate(asked)}
    tasks = found[TASK_ID].to_pylist()
    order = sorted(range(len(tasks)), key=lambda row: place[tasks[row]])  # stable: within a task it is kept
    return found.take(pa.array(order, pa.int64())).combine_chunks()
