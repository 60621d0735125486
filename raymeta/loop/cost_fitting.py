"""The cost regressor of an iteration: what it learns from, and how well it tells what answers cost."""

from dataclasses import asdict
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.acquisition.learned_cost import BoostingOptions, agreement, fit_cost, out_of_fold
from raymeta.acquisition.predicted_clicks import COST_FEATURES, PREDICTED_CLICKS, TRUE_CLICKS, feature_matrix
from raymeta.annotation.cost_models import CostModel
from raymeta.annotation.known_labels import KnownLabels
from raymeta.config import AcquisitionConfig
from raymeta.errors import InputError
from raymeta.loop.block_runs import failed_images, run_from_blocks
from raymeta.loop.bundle import Bundle
from raymeta.loop.query_budget import COST_OF_UNIT
from raymeta.loop.session import Session
from raymeta.loop.workers import SEGMENTS_TABLE
from raymeta.runs.input_key import work_key
from raymeta.runs.iteration_folder import IterationFolder
from raymeta.runs.records import CostAgreement, CostFit
from raymeta.schemas import ESTIMATED_CLICKS, IMAGE_ID, RANK

COST_REGRESSOR: Final = "cost_regressor.npz"
QUERY_COSTS: Final = "query_costs.parquet"
"""What was predicted for the boxes of a query when they were asked: rank, predicted clicks, features."""


def fit_cost_regressor(session: Session, folder: IterationFolder, index: int, known: KnownLabels) -> CostFit:
    """Fit what boxes cost, on tiles of wholly labelled images and on answered boxes (docs/method.md#learned-cost).

    Answered boxes bring the features of the moment when they were chosen, before any network learned their labels.
    Writes COST_REGRESSOR; tells how many boxes there were, and the agreement, out of fold, for boxes that nobody
    selected.
    """
    tiles, images = _tiles(session, folder, index, known)
    model = COST_OF_UNIT[session.config.acquisition.cost_unit]
    answered = [_answered(session.store.iteration(earlier), model) for earlier in range(index)]
    answered = [table for table in answered if table.num_rows]
    features = np.concatenate([feature_matrix(table) for table in (tiles, *answered)])
    clicks = np.concatenate([table[TRUE_CLICKS].to_numpy() for table in (tiles, *answered)]).astype(np.float64)
    options = _options(session)
    folder.write_bytes(COST_REGRESSOR, fit_cost(features, clicks, options).to_bytes())
    count = tiles.num_rows
    predicted = out_of_fold(features[:count], clicks[:count], images, options)
    learned = None if predicted is None else asdict(agreement(predicted, clicks[:count]))
    estimated = asdict(agreement(features[:count, 0], clicks[:count]))
    return CostFit(
        tiles=count,
        answered_boxes=len(clicks) - count,
        unselected=CostAgreement(learned=learned, estimated=estimated),
    )


def _options(session: Session) -> BoostingOptions:
    chosen = session.config.acquisition.learned_cost
    return BoostingOptions(chosen.trees, chosen.depth, chosen.learning_rate, chosen.quantile, session.config.seed)


def _tiles(
    session: Session, folder: IterationFolder, index: int, known: KnownLabels
) -> tuple[pa.Table, NDArray[np.str_]]:
    """Features and true clicks of the tiles of L0 and M under this iteration's network, and the image of each."""
    images = [*session.split.initial, *session.split.meta]
    session.progress.begin_stage("fit", len(images))
    network = folder.read_bytes("network.pt")
    bundle = session.scorer.share(Bundle(f"{index}-tiles", index, network, None, known.regions, reference=known))
    with folder.finished_blocks("tiles", work_key(session.config, network, known)) as finished:
        rows = run_from_blocks(session, finished, "cost_tiles", images, bundle)
    session.leave_out(failed_images(rows), len(rows), "wholly labelled images")
    tables = {row[IMAGE_ID]: pa.ipc.open_stream(row[SEGMENTS_TABLE]).read_all() for row in rows if row["error"] is None}
    if not tables:
        raise InputError("no initially labelled image is readable: the cost regressor has nothing to learn from")
    names = np.concatenate([np.repeat(image_id, table.num_rows) for image_id, table in tables.items()])
    return pa.concat_tables(tables.values()), names


def _answered(folder: IterationFolder, model: CostModel) -> pa.Table:
    """Features and true costs of the boxes that an earlier iteration's query was answered for."""
    empty = pa.table({TRUE_CLICKS: pa.array([], pa.float64())})
    if not folder.is_named(QUERY_COSTS):  # its first iterations asked for random boxes
        return empty
    costs = folder.read_table(QUERY_COSTS)
    annotation = folder.read_table("annotation.parquet")
    rows = annotation[RANK].to_numpy() - 1
    true = pa.array(model.box_costs(annotation).astype(np.float64))
    return costs.take(pa.array(rows)).append_column(TRUE_CLICKS, true)


def query_costs(chosen: pa.Table) -> pa.Table:
    """Rank, predicted clicks and features of a query's rows, in their order."""
    ranks = pa.array(range(1, chosen.num_rows + 1), pa.int32())
    return pa.table({RANK: ranks, PREDICTED_CLICKS: chosen[PREDICTED_CLICKS], COST_FEATURES: chosen[COST_FEATURES]})


def cost_agreement(
    costs: pa.Table, query: pa.Table, annotation: pa.Table, acquisition: AcquisitionConfig
) -> CostAgreement:
    """How well the clicks of selected boxes were predicted, by the cost regressor and by the estimate.

    Args:
        costs: QUERY_COSTS.
        query: QUERY_SCHEMA, in the order of its ranks.
        annotation: ANNOTATION_SCHEMA, of the boxes that were answered.
        acquisition: tells the unit.
    """
    rows = annotation[RANK].to_numpy() - 1
    true = COST_OF_UNIT[acquisition.cost_unit].box_costs(annotation).astype(np.float64)
    learned = costs[PREDICTED_CLICKS].to_numpy()[rows]
    estimated = query[ESTIMATED_CLICKS].to_numpy()[rows].astype(np.float64)
    return CostAgreement(learned=asdict(agreement(learned, true)), estimated=asdict(agreement(estimated, true)))
