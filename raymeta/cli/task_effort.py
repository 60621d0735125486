"""What tasks took, in words: how far two people agree, seconds, and the hours that are left."""

from collections.abc import Sequence

import pyarrow as pa

from raymeta.config import ASKED_ONE
from raymeta.labels.double_answers import double_answers
from raymeta.labels.label_store import LabelStore
from raymeta.labels.ledger import HUMAN_KINDS, fit_prices, hours_left, ledger
from raymeta.labels.task_states import TaskState
from raymeta.quantities import quantity
from raymeta.runs.run_store import RunStore


def double_lines(labels: LabelStore, names: Sequence[str]) -> list[str]:
    """How far two people agree who answered the same tasks; none where no task is answered by two."""
    found = double_answers([state for name in names for state in labels.states(name)], labels.rules)
    if not found.asked:
        return []
    line = f"two people answer {found.asked} of these tasks; {found.answered} have two answers, {found.agree} agree"
    if found.equal is None or found.miou is None or found.within is None:
        return [line]
    rules = labels.rules
    near, equal, miou = (100 * share for share in (found.within, found.equal, found.miou))
    return [
        f"{line} ({near:.1f} % of all pixels up to {rules.agree_within} px of outline; of those with a class in both "
        f"{equal:.1f} % exactly, mIoU {miou:.1f} %)"
    ]


def median_seconds(states: Sequence[TaskState]) -> str:
    """Median of the seconds that are known."""
    known = sorted(s.accepted.seconds for s in states if s.accepted is not None and s.accepted.seconds is not None)
    return f"{known[len(known) // 2]:.1f}" if known else "–"


def _duration(hours: float) -> str:
    if hours >= 1:
        return f"{hours:.1f} hours"
    minutes = max(1, round(60 * hours))
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def _unknown(table: pa.Table, units: str) -> str:
    """Why nobody can tell how long what is left takes."""
    timed = {row["whole"] for row in table.to_pylist() if row["seconds"] is not None}
    if not timed:
        return "how long they take is known after the first timed answers"
    return f"how long {units if True in timed else 'images'} take is known after the first timed answers to them"


def effort_line(store: RunStore, labels: LabelStore) -> str:
    """Hours that are still needed, and what a click takes once enough is known."""
    config, table = store.load_config(), ledger(store, labels)
    left = hours_left(table, config.iterations, config.acquisition.query_size)
    units = config.acquisition.asked
    hours = f"about {_duration(left.hours)}" if left.hours is not None else _unknown(table, units)
    if not left.open_boxes + left.open_images + left.coming_boxes:
        hours = "no time"
    boxes, coming = (quantity(count, ASKED_ONE[units], units) for count in (left.open_boxes, left.coming_boxes))
    line = f"left: {boxes}, {quantity(left.open_images, 'image')}, {coming} to come: {hours}"
    prices = fit_prices(table)
    if prices is None:
        return line
    each = ", ".join(f"{kind.rstrip('_')} {prices.prices[kind]:.2f} s" for kind in HUMAN_KINDS)
    return f"{line}; by {prices.answers} answers ({prices.source}): {each}"
