"""`raymeta select --on-ray`: predictions of a pool scored by Ray Data, the boxes merged here as they come."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ray.data

from raymeta.cluster.connection import ray_connection
from raymeta.cluster.pool_scorer import quieten_ray_data
from raymeta.datasets.remote_paths import RemoteStorageError
from raymeta.predictions.selection import BLOCK_IMAGES, Selection, as_error, select
from raymeta.predictions.selection_config import SelectionConfig
from raymeta.schemas import IMAGE_ID


def select_on_ray(
    config: SelectionConfig, address: str | None, advance: Callable[[str, int, int], None] | None = None
) -> Selection:
    """As `raymeta.select`, on a cluster whose nodes all see the folders: the same boxes bit for bit.

    The driver holds the query, and what Ray Data hands over at a time; predictions never leave their worker.

    Args:
        config: what `load_selection` gives.
        address: of the cluster; None takes RAY_ADDRESS, else a local Ray.
        advance: as for `select`.

    Raises:
        InputError: as for `select`, and where no cluster answers.
    """
    with ray_connection(address):
        quieten_ray_data()
        return select(config, advance, each=_by_ray_data)


def _by_ray_data(ids: Sequence[str], work: Callable[[str], Any]) -> Iterator[tuple[str, Any, str | None]]:
    """See `raymeta.predictions.selection.Each`: a task a block of images."""
    if not ids:
        return

    def apply(row: dict[str, Any]) -> dict[str, Any]:
        image_id = str(row[IMAGE_ID])
        row = {IMAGE_ID: image_id, "found": b"", "error": "", "outage": False}
        try:
            return row | {"found": pickle.dumps(work(image_id))}
        except RemoteStorageError as error:
            return row | {"error": str(error), "outage": True}
        except Exception as error:
            return row | {"error": as_error(error)}

    rows = [{IMAGE_ID: image_id} for image_id in ids]
    for row in ray.data.from_items(rows, override_num_blocks=-(-len(rows) // BLOCK_IMAGES)).map(apply).iter_rows():
        if row["outage"]:
            raise RemoteStorageError(row["error"])
        found = None if row["error"] else pickle.loads(row["found"])  # ours, from a worker of this job
        yield str(row[IMAGE_ID]), found, row["error"] or None
