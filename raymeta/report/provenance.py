"""Where the numbers of a report come from: data, boxes, network, seeds, dates, versions, and what mIoU means here."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from raymeta import __version__
from raymeta.annotation.cost_models import COST_A
from raymeta.annotation.events import Events
from raymeta.annotation.segment_answers import origins_text
from raymeta.locations import last_name
from raymeta.report.comparison import Comparison
from raymeta.report.run_results import RunResults
from raymeta.runs.records import FitRecord, OracleRecord
from raymeta.runs.run_format import RunInfo
from raymeta.runs.run_store import RunError

UNKNOWN: Final = "of an unknown version"


def provenance(comparison: Comparison) -> list[tuple[str, str]]:
    """Pairs of a name and a text for one comparison; values in which its runs differ are all named."""
    runs = [run for group in comparison.groups for run in group.runs]
    rows = [
        ("data set", _each(run.data.text for run in runs if run.data)),
        ("images are read at", _each(map(_size, runs))),
        ("query", _each(map(_query, (run for group in comparison.queried for run in group.runs)))),
        ("one-click answers", _answers(comparison)),
        ("start (L0)", _each(f"{run.config.acquisition.initial_images} images" for run in runs)),
        ("meta set (M)", _meta(comparison)),
        ("network", _each(map(_network, runs))),
        ("training", _each(map(_training, runs))),
        ("seeds", _each(str(run.seed) for run in sorted(runs, key=lambda run: run.seed))),
        ("runs begun", _begun(runs)),
        ("made by", f"{_each(map(_version, runs))}; this page by raymeta {__version__}"),
        ("mIoU", validation_words(runs)),
        ("test mIoU", test_words(runs)),
    ]
    return [(name, text) for name, text in rows if text]


def validation_words(runs: Sequence[RunResults]) -> str:
    """How mIoU was measured, and what the labels for it cost."""
    first = next((run.data for run in runs if run.data), None)
    images = first.validation_images if first else None
    pool = first.pool_images if first else None
    which = f"the same {images} validation images" if images else "the same validation images"
    cost = "; their labels are in none of the costs"
    clicks = held_out_clicks(runs, "validation")
    if clicks is not None:
        cost = f"; the labels of these images cost {clicks}, which is in none of the costs"
    elif images and pool:
        cost = f"; the labels of these {images} images are in none of the costs, though the whole pool has {pool}"
    return (
        f"of each iteration's best epoch, chosen on {which} on which it is reported, so it is a little too high{cost}"
    )


def test_words(runs: Sequence[RunResults]) -> str:
    """How the test split was used, and what its labels cost; empty where there is none."""
    images = next((run.data.test_images for run in runs if run.data and run.data.test_images), None)
    if images is None:
        return ""
    clicks = held_out_clicks(runs, "test")
    cost = "" if clicks is None else f"; their labels cost {clicks}, which is in none of the costs"
    return f"of the same network on {images} other images, by which nothing was chosen{cost}"


def held_out_clicks(runs: Sequence[RunResults], part: str) -> str | None:
    """Clicks of the labels of validation or test beside the pool's; None where no run counted them."""
    for run in runs:
        for summary in reversed(run.summaries):
            counted, pool = getattr(summary.clicks, part), summary.clicks.pool
            if counted and pool.get("polygon"):
                own, whole = (COST_A.of_pool(Events.from_record(kinds)) for kinds in (counted, pool))
                return f"{own:,.0f} clicks ({100 * own / whole:.1f} % of what the whole pool would cost)"
    return None


def _size(run: RunResults) -> str:
    dataset = run.config.dataset
    if dataset.height is not None:
        return f"{dataset.width}×{dataset.height} pixels"
    if dataset.max_side is not None:
        return f"the size of the files, {dataset.max_side} pixels at most"
    if dataset.kind == "street_scenes":
        return f"{dataset.scenes.width}×{dataset.scenes.height} pixels"
    return "the size of the files"


def _query(run: RunResults) -> str:
    """What was asked for: a budget cuts a query below its number of boxes, or what else is asked."""
    acquisition = run.config.acquisition
    counts = [summary.query_boxes for summary in run.summaries if summary.query_boxes]
    few, many = min(counts, default=acquisition.query_size), max(counts, default=acquisition.query_size)
    number = str(few) if few == many else f"{few} to {many}"
    size = f"{acquisition.box_width}×{acquisition.box_width} pixels"
    if acquisition.unit == "point":
        return f"{number} points an iteration, each in the middle of a box of {size}"
    if acquisition.asks_parts:
        return f"{number} {acquisition.asked} an iteration, each in a tile of {size}"
    return f"{number} boxes of {size} an iteration"


def _answers(comparison: Comparison) -> str:
    """What was said of one-click segments, over all iterations and seeds of each group that asked for some."""
    texts = []
    for group in comparison.queried:
        counts: Counter[str] = Counter()
        for run in group.runs:
            for summary in run.summaries:
                try:
                    counts.update(OracleRecord.read(run.store.iteration(summary.iteration)).origins)
                except RunError:
                    continue
        if counts:
            texts.append(f"{group.label}: {origins_text(counts)}")
    return "; ".join(texts)


def _meta(comparison: Comparison) -> str:
    """Images of M and the segments that the meta regressor was fitted on; only of strategies that have one."""
    texts = []
    for group in comparison.queried:
        for run in group.runs:
            segments = _segments(run)
            if segments:
                many = f"{min(segments)} to {max(segments)}" if min(segments) < max(segments) else str(segments[0])
                texts.append(f"{group.label}: {run.config.acquisition.meta_images} images with {many} segments")
                break
    return _each(texts)


def _segments(run: RunResults) -> list[int]:
    found = []
    for summary in run.summaries:
        try:
            found.append(FitRecord.read(run.store.iteration(summary.iteration)).segments)
        except RunError:
            continue  # the table of iterations tells what is damaged
    return [count for count in found if count]


def _network(run: RunResults) -> str:
    network = run.config.network
    weights = "from scratch" if network.weights is None else f"from {last_name(network.weights)}"
    return f"{network.form}, {weights}"


def _training(run: RunResults) -> str:
    training = run.config.training
    if training.steps is not None:
        fewer = "" if training.full_steps_at is None else f", fewer below {training.full_steps_at:g} labelled images"
        steps = [f"{training.steps} steps{fewer}"]
    else:
        steps = [f"at most {training.max_epochs} epochs", f"patience {training.patience}"]
    return (
        f"{training.optimizer}, learning rate {training.learning_rate:g}, batches of {training.batch_size}, "
        + ", ".join(steps)
    )


def _begun(runs: Sequence[RunResults]) -> str:
    days = sorted({str(info.get("created", ""))[:10] for info in map(_info, runs) if info} - {""})
    return " to ".join(dict.fromkeys([days[0], days[-1]])) if days else ""


def _version(run: RunResults) -> str:
    info = _info(run)
    return f"raymeta {info.get('raymeta', UNKNOWN) if info else UNKNOWN}"


def _info(run: RunResults) -> RunInfo | None:
    try:
        return run.store.run_info()
    except RunError:
        return None


def _each(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))
