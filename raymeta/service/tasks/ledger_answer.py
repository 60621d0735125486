"""The ledger of a run as the service tells it."""

from dataclasses import asdict

import pyarrow as pa

from raymeta.config import ExperimentConfig
from raymeta.labels.double_answers import DoubleAnswers
from raymeta.labels.ledger import fit_prices, hours_left, tool_costs
from raymeta.service.tasks import task_answers as made


def told_ledger(table: pa.Table, config: ExperimentConfig, double: DoubleAnswers) -> made.LedgerAnswer:
    """Costs by tool, hours, and what is left.

    Args:
        table: LEDGER_SCHEMA.
        config: of the run.
        double: how far two people agree.
    """
    left = hours_left(table, config.iterations, config.acquisition.query_size)
    seconds = [value for value in table["seconds"].to_pylist() if value is not None]
    prices = fit_prices(table)
    return made.LedgerAnswer(
        unit=config.acquisition.unit,
        tools=[made.ToolCostAnswer(**asdict(cost)) for cost in tool_costs(table)],
        hours=sum(seconds) / 3600 if seconds else None,
        open_boxes=left.open_boxes,
        open_images=left.open_images,
        coming_boxes=left.coming_boxes,
        hours_left=left.hours,
        double=made.DoubleAnswer(**asdict(double)) if double.asked else None,
        prices=None if prices is None else prices.prices,
    )
