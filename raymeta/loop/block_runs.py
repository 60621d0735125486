"""Work of the scorers that a kill doesn't lose: finished blocks are kept in the run folder, and not done again."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from raymeta.loop.session import Session
from raymeta.loop.workers import OnRows, Row
from raymeta.runs.finished_blocks import FinishedBlocks
from raymeta.schemas import IMAGE_ID


def run_from_blocks(
    session: Session, finished: FinishedBlocks, task: str, image_ids: Sequence[str], bundle: Any | None = None
) -> list[Row]:
    """Rows of a task of ScoringWorker, sorted by image id; images in `finished` are taken from there."""
    wanted = set(image_ids)
    done = {row[IMAGE_ID]: row for rows in counted(session, finished) for row in rows if row[IMAGE_ID] in wanted}
    todo = [image_id for image_id in image_ids if image_id not in done]
    rows = session.scorer.run(task, todo, bundle, on_rows=keep_rows(session, finished))
    return sorted([*done.values(), *rows], key=lambda row: row[IMAGE_ID].encode())


def counted(session: Session, finished: FinishedBlocks) -> Iterator[list[Row]]:
    """The finished blocks; progress counts their rows."""
    for rows in finished.blocks():
        session.progress.advance(len(rows))
        yield rows


def keep_rows(session: Session, finished: FinishedBlocks) -> OnRows:
    """Count and keep the rows of a part; images that failed are tried again by a resumed run."""

    def keep(rows: list[Row], safe: Callable[[], None]) -> None:
        session.progress.advance(len(rows))
        finished.add([row for row in rows if row["error"] is None], safe)

    return keep


def failed_images(rows: Sequence[Row]) -> dict[str, str]:
    """The reason for each image whose row tells of an error."""
    return {row[IMAGE_ID]: row["error"] for row in rows if row["error"] is not None}
