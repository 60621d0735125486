"""What the numbers of a config mean for a data set, in lines to read."""

from raymeta.acquisition.strategies import expansion
from raymeta.annotation.oracle import Oracle
from raymeta.config import AcquisitionConfig, ExperimentConfig
from raymeta.datasets.sample import Dataset
from raymeta.labels.people_annotator import whole_image_sets
from raymeta.runs.split import Split

COST_SAMPLE = 20
"""Pool images whose clicks estimate the cost of one query."""
TILES_DOWN = {"segment": 22, "superpixel": 11}
"""Tiles down an image in docs/study_fewer_clicks.md; with 8 of them for segments rare classes got no labels."""


def describe(config: ExperimentConfig, dataset: Dataset, split: Split) -> list[str]:
    """What the numbers of the config mean for this data set."""
    acquisition = config.acquisition
    pool = len(split.pool)
    test = f", {len(split.test)} test" if split.test else ""
    facts = [
        f"{dataset.name}: {pool} pool{test} and {len(split.validation)} validation images of "
        f"{dataset.height}×{dataset.width} pixels, {dataset.num_classes} classes, clicks from "
        f"{'polygons' if dataset.has_polygons else 'label maps (Ramer-Douglas-Peucker)'}",
        f"initially labelled: {len(split.initial)} images ({100 * len(split.initial) / pool:.1f} % of the pool)",
        *_asked_of_people(config, dataset, split),
    ]
    if acquisition.strategy == "full_set":
        return [*facts, "full_set: trains once on everything"]
    facts.append(f"acquisition: {expansion(acquisition)}")
    if split.meta:
        facts.append(f"meta set: {len(split.meta)} images ({100 * len(split.meta) / pool:.1f} %), never trained on")
    facts += _query_facts(config, dataset, split)
    return facts


def _query_facts(config: ExperimentConfig, dataset: Dataset, split: Split) -> list[str]:
    """What the queries ask for, and what they cost."""
    acquisition, pool = config.acquisition, len(split.pool)
    width, clicks = acquisition.box_width, _clicks_per_image(config, dataset, split)
    one_click = acquisition.unit != "box"
    share = 100 * acquisition.query_size * acquisition.asked_width**2 / (pool * dataset.height * dataset.width)
    asked = f"{_units(acquisition, dataset)}; "
    if acquisition.has_budget:
        asked += _budget_fact(config, None if clicks is None else clicks * pool)
    else:
        asked += (
            f"a query of {acquisition.query_size} is {'at most ' * acquisition.asks_parts}{share:.2f} % of the "
            f"pool's pixels (cost_P), {config.iterations} iterations query {share * config.iterations:.1f} %"
        )
    facts = [asked]
    if clicks is not None:
        price = (
            f"; a query at the pool's average density costs about {share / 100 * clicks * pool:.0f} of the "
            f"pool's {clicks * pool:.0f} clicks, before boxes' own"
        )
        if one_click:
            outlines = ", and those of outlines" if acquisition.segments_are_drawn else ""
            price = (
                f"; a query of {acquisition.asked} costs at most {acquisition.query_size} of the pool's "
                f"{clicks * pool:.0f} clicks{outlines}"
            )
        facts.append(f"clicks: about {clicks:.0f} for a whole image{'' if acquisition.has_budget else price}")
    narrow = max(4, dataset.height // TILES_DOWN.get(acquisition.unit, 1))
    if acquisition.asks_parts and width > 1.5 * narrow:
        facts.append(
            f"acquisition.box_width {width}: parts in wide tiles are often mixed; tiles of about "
            f"{narrow} pixels needed fewest clicks (docs/study_fewer_clicks.md)"
        )
    if one_click and config.training.example_balance == 0:
        facts.append(
            f"training.example_balance 0: the few pixels of {acquisition.asked} may be drowned by those of wholly "
            "labelled images; 0.5 did better (docs/study_fewer_clicks.md)"
        )
    return facts


def _units(acquisition: AcquisitionConfig, dataset: Dataset) -> str:
    """What a query asks for, and how many of them an image holds."""
    width = acquisition.box_width
    if acquisition.asks_parts:
        tiles = -(-dataset.height // width) * -(-dataset.width // width)
        return f"{acquisition.asked}, the best part of one in each tile of {width}×{width} pixels: {tiles} in an image"
    across = (dataset.height // width) * (dataset.width // width)
    if acquisition.unit == "box":
        return f"boxes of {width}×{width} pixels: {across} side by side in an image"
    side = acquisition.point_width
    return f"points, the middles of boxes of {width}×{width} pixels, each labels {side}×{side}: {across} in an image"


def _budget_fact(config: ExperimentConfig, pool_clicks: float | None) -> str:
    """After which clicks or seconds the queries end; pool_clicks: of all images, if they are known."""
    acquisition = config.acquisition
    first, last = (
        (acquisition.query_clicks or acquisition.query_seconds or 0) * acquisition.query_growth**power
        for power in (0, config.iterations - 1)
    )
    unit = acquisition.cost_unit
    text = f"the query ends after {first:,.0f} {unit}"
    if config.iterations > 1:
        text = f"the first of {config.iterations} queries ends after {first:,.0f} {unit}, the last after {last:,.0f}"
    if pool_clicks and unit == "clicks":
        text += f"; the whole pool takes {pool_clicks:,.0f}"
    return text


def _asked_of_people(config: ExperimentConfig, dataset: Dataset, split: Split) -> list[str]:
    """What people will be asked, where they label."""
    if config.oracle.kind != "people":
        return []
    sets = list(whole_image_sets(split, dataset.has_labels))
    first = " and ".join(f"{len(tasks.images)} whole images ({tasks.name})" for tasks in sets) or "nothing"
    width = config.acquisition.asked_width
    place = {"point": ", each for a square", "segment": ", in tiles", "superpixel": ", in tiles"}
    units = config.acquisition.asked + place.get(config.acquisition.unit, "")
    facts = [
        f"people are asked: first {first}, then in each of {config.iterations} iterations at most "
        f"{config.acquisition.query_size} {units} of {width}×{width} pixels"
    ]
    if config.oracle.double_share:
        facts.append(
            f"two people answer {100 * config.oracle.double_share:g} % of the tasks of each set, at least one: "
            "it takes two people, each with a name of their own"
        )
    given = len(split.initial) + len(split.meta) + len(split.validation) - sum(len(tasks.images) for tasks in sets)
    if given:
        facts.append(f"labels of the data set count for {given} images: nobody is asked for them")
    return facts


def _clicks_per_image(config: ExperimentConfig, dataset: Dataset, split: Split) -> float | None:
    """Mean polygon and class clicks of some pool images; None if none of them is readable."""
    oracle = Oracle(dataset, config.acquisition.epsilon)
    counts = []
    step = max(1, len(split.pool) // COST_SAMPLE)
    for image_id in sorted(split.pool)[::step][:COST_SAMPLE]:
        if not dataset.has_labels(image_id):
            continue
        try:
            clicks = oracle.whole_image_clicks(image_id)
        except (OSError, ValueError):
            continue  # check() has named it
        counts.append(clicks.polygon + clicks.class_)
    return sum(counts) / len(counts) if counts else None
