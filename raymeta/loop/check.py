"""Is the data there and readable, and what do the numbers of a config mean for it: changes nothing."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from raymeta.acquisition.strategies import expansion, strategy_of
from raymeta.annotation.oracle import Oracle
from raymeta.boxes import check_box_width
from raymeta.config import ExperimentConfig, differences, is_many, run_configs, run_name
from raymeta.datasets.fault_groups import grouped_faults
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import Dataset
from raymeta.errors import InputError
from raymeta.labels.people_annotator import whole_image_sets
from raymeta.loop.cost_matching import check_reference
from raymeta.runs.kept_classes import class_changes
from raymeta.runs.run_folders import is_run
from raymeta.runs.run_store import CONFIG, RUN, RunError, RunStore, other_config
from raymeta.runs.split import ChooseImages, Split, split_pool
from raymeta.schemas import IGNORE
from raymeta.tracking.tracker import check_trackers

if TYPE_CHECKING:
    from raymeta.networks.segmentation_network import SegmentationNetwork

NAMED = 3
"""Images named in a message."""
COST_SAMPLE = 20
"""Pool images whose clicks estimate the cost of one query."""


@dataclass(frozen=True)
class CheckReport:
    """faults: must be corrected. warnings: legal, and probably not meant. facts: what the numbers mean. Lines each."""

    faults: list[str]
    warnings: list[str]
    facts: list[str]


ProgressBar = Callable[[int], AbstractContextManager[Callable[[], None]]]
"""Shows how many of a number of images were looked at; gives what counts one."""


def check_experiment(
    config: ExperimentConfig, progress: ProgressBar = lambda _: nullcontext(lambda: None)
) -> CheckReport:
    """Look at data and numbers; of many runs at the first one's data.

    Raises:
        InputError: the data set can't be opened.
    """
    runs = run_configs(config)
    report = _check_run(runs[0], progress)
    faults, facts = report.faults, report.facts
    if is_many(config):
        names = ", ".join(run_name(config, run) for run in runs)
        facts.append(f"{len(runs)} runs: {names}; the above is the first")
        faults += [fault for fault in _check_arms(config, runs) if fault not in faults]
    for check in (check_repetitions_folder, check_trackers):
        try:
            check(config)
        except InputError as error:
            faults.append(str(error))
    for run in runs:
        try:
            facts.append(check_run_folder(run))
        except InputError as error:
            faults.append(str(error))
    return report


def _check_run(config: ExperimentConfig, progress: ProgressBar) -> CheckReport:
    dataset = open_dataset(config.dataset, config.seed)
    with progress(len(dataset.pool_ids()) + len(dataset.validation_ids())) as count:
        survey = dataset.survey(count, unlabelled=config.oracle.kind == "people")
    unanswerable = check_answerable(config, dataset)
    network, network_faults = tried_network(config, dataset)
    faults = [
        *grouped_faults(survey.faults),
        *([unanswerable] if unanswerable else []),
        *network_faults,
        *_check_classes(config, dataset),
    ]
    facts = list(survey.facts)
    try:
        split = experiment_split(config, dataset)
        check_numbers(config, dataset, split)
        facts = [*describe(config, dataset, split), *_resources(config, dataset, split, network), *facts]
    except (InputError, OSError) as error:
        faults.append(str(error))
    return CheckReport(faults, survey.warnings, facts)


def _check_classes(config: ExperimentConfig, dataset: Dataset) -> list[str]:
    try:
        changed = class_changes(RunStore(config.run_dir), dataset.class_names, dataset.class_values)
    except RunError:
        return []  # check_run_folder tells what is wrong with the place
    return [f"class list, since the run in {config.run_dir} began: {line}" for line in changed]


def _check_arms(config: ExperimentConfig, runs: Sequence[ExperimentConfig]) -> list[str]:
    """Faults of the other runs' numbers, each named with its run; of those that differ in seeds the first one's."""
    faults, seen = [], [runs[0].model_copy(update={"seed": 0, "run_dir": ""})]
    for run in runs[1:]:
        kind = run.model_copy(update={"seed": 0, "run_dir": "", "report": runs[0].report})
        if kind in seen:
            continue
        seen.append(kind)
        try:
            dataset = open_dataset(run.dataset, run.seed)
            check_numbers(run, dataset, experiment_split(run, dataset))
        except (InputError, OSError) as error:
            faults.append(f"{run_name(config, run)}: {error}")
    return faults


def check_repetitions_folder(config: ExperimentConfig) -> None:
    """Raise RunError where the folder for the runs of `seeds`, or of a study, is a run itself."""
    if is_many(config) and is_run(config.run_dir):
        raise RunError(
            f"run_dir {config.run_dir} holds a run without repetitions: choose another folder for these runs"
        )


def check_run_folder(config: ExperimentConfig) -> str:
    """What `raymeta run` finds in `run_dir`, one line; writes nothing.

    Raises:
        ValueError: a place where no folder can be, files of others, or a run that this config can't resume.
    """
    store = RunStore(config.run_dir)
    _check_place(store)
    damaged = [fault for fault in store.damaged() if fault.split(": ")[0].endswith((f"/{RUN}", f"/{CONFIG}"))]
    if not store.exists() and not damaged:
        return f"run folder {store.location}: new"
    if damaged:
        return f"run folder {store.location}: resumes the run there if this config began it; {', '.join(damaged)}"
    changed = differences(store.load_config(), config)
    if changed:
        raise other_config(store.location, changed)
    return f"run folder {store.location}: resumes the run there"


def _check_place(store: RunStore) -> None:
    """Raise RunError where something else than a folder is in the way of a local run folder."""
    if store.local_root is None:
        return
    for place in (store.local_root, *store.local_root.parents):
        if place.is_dir():
            return
        if os.path.lexists(place):
            raise RunError(f"run folder {store.location}: {place} is no folder: choose another run_dir")


def tried_network(config: ExperimentConfig, dataset: Dataset) -> "tuple[SegmentationNetwork | None, list[str]]":
    """The network after one pass forward and one back on a grey image, and what hinders that."""
    from raymeta.networks.trial import try_network  # torch takes seconds to import

    try:
        return try_network(config.network, dataset.num_classes, config.seed, dataset.height, dataset.width), []
    except InputError as error:
        return None, [str(error)]


def _resources(
    config: ExperimentConfig, dataset: Dataset, split: Split, network: "SegmentationNetwork | None"
) -> list[str]:
    from raymeta.loop.resource_facts import resource_facts

    return [] if network is None else list(resource_facts(config, dataset, split, network))


def experiment_split(config: ExperimentConfig, dataset: Dataset, choose: ChooseImages | None = None) -> Split:
    """The split that this config makes of this data set.

    choose: chooses L0 where `acquisition.initial_choice` isn't random; without it L0 has as many random images.
    """
    needs_meta_set = strategy_of(config.acquisition).needs_meta_regressor
    return split_pool(
        dataset.pool_ids(),
        dataset.validation_ids(),
        config.acquisition,
        needs_meta_set=needs_meta_set,
        seed=config.seed,
        labelled=_labelled(dataset) if config.oracle.kind == "people" else None,
        choose=choose,
    )


def _labelled(dataset: Dataset) -> list[str]:
    return [image_id for image_id in dataset.pool_ids() if dataset.has_labels(image_id)]


def check_answerable(config: ExperimentConfig, dataset: Dataset) -> str | None:
    """Which images the simulated annotator can't answer, for want of a label map; None where it can answer all."""
    if config.oracle.kind == "people":
        return None
    ids = [*dataset.pool_ids(), *dataset.validation_ids()]
    missing = [image_id for image_id in ids if not dataset.has_labels(image_id)]
    if not missing:
        return None
    named = ", ".join(missing[:NAMED]) + (f" and {len(missing) - NAMED} more" if len(missing) > NAMED else "")
    return (
        f"{len(missing)} of {len(ids)} images have no label map ({named}): the simulated annotator can't answer them; "
        "set oracle.kind=people, so that people are asked, or add the label maps"
    )


def check_numbers(config: ExperimentConfig, dataset: Dataset, split: Split) -> None:
    """Raise ValueError where box width, query size or labels can't work on this data set."""
    if not split.validation:
        raise InputError("the data set has no validation images: training stops by their mIoU; add some")
    validation = _check_labels(dataset, split.validation, "validation images: their mIoU can't be told")
    initial = _check_labels(dataset, split.initial, "initially labelled images: there is nothing to train on")
    if len(validation | initial) == 1:
        only = dataset.class_names[next(iter(validation | initial))]
        raise InputError(
            f"{only} is the only class in the label maps of {len(split.initial)} initially labelled and "
            f"{len(split.validation)} validation images, beside void: there is nothing to tell apart; if a value that "
            "counts as void is a class, correct `void` in the class list (`void: []` where nothing is)"
        )
    fault = size_fault(config, dataset)
    if fault is not None:
        raise InputError(fault)
    if config.acquisition.strategy == "full_set":
        return
    width = config.acquisition.box_width
    check_box_width(width, dataset.height, dataset.width)
    if not split.unlabelled:
        raise InputError(
            f"acquisition.initial_images {len(split.initial)} and meta_images {len(split.meta)} take all "
            f"{len(split.pool)} images of the pool, nothing is left to query: choose smaller sets"
        )
    # Greedy boxes of one image never overlap, so no more than these fit into it.
    most = (dataset.height // width) * (dataset.width // width) * len(split.unlabelled)
    if config.acquisition.query_size > most:
        raise InputError(
            f"acquisition.query_size {config.acquisition.query_size} is more than the pool can give: "
            f"{len(split.unlabelled)} images of {dataset.height}×{dataset.width} hold {most} boxes of "
            f"width {width}; choose at most {most}"
        )
    check_reference(config, split)


def size_fault(config: ExperimentConfig, dataset: Dataset) -> str | None:
    """Why images of several sizes can't be trained on in batches; None if they can."""
    if config.dataset.height is not None or config.training.batch_size == 1:
        return None
    sizes = Counter(dataset.image_sizes())
    if len(sizes) < 2:
        return None
    shown = ", ".join(f"{count} of {height}×{width}" for (height, width), count in sizes.most_common(3))
    return (
        f"the images have {len(sizes)} sizes (height×width: {shown}{', …' if len(sizes) > 3 else ''}), and "
        f"training.batch_size {config.training.batch_size} takes several at once: set dataset.height and dataset.width "
        "to resize them all, or training.batch_size=1"
    )


def _check_labels(dataset: Dataset, image_ids: Sequence[str], what: str) -> set[int]:
    """Train ids in the label maps, until two are known: mostly the first map holds them, and no other is read.

    Raises:
        InputError: no readable label map holds a class.
    """
    found: set[int] = set()
    void = 0
    for image_id in image_ids:
        if not dataset.has_labels(image_id):
            continue  # people are asked, or `check_answerable` tells
        try:
            label_map = dataset.label_map(image_id)
        except (OSError, ValueError):
            continue  # left out and named during the run
        found |= set(np.unique(label_map).tolist()) - {IGNORE}
        if len(found) > 1:
            return found
        void += 1
    if void and not found:
        raise InputError(f"void is all that the label maps hold of {void} {what}; correct the labels or the class list")
    return found


def describe(config: ExperimentConfig, dataset: Dataset, split: Split) -> list[str]:
    """What the numbers of the config mean for this data set."""
    acquisition = config.acquisition
    pool = len(split.pool)
    facts = [
        f"{dataset.name}: {pool} pool and {len(split.validation)} validation images of "
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
    across = (dataset.height // acquisition.box_width) * (dataset.width // acquisition.box_width)
    share = 100 * acquisition.query_size * acquisition.box_width**2 / (pool * dataset.height * dataset.width)
    facts.append(
        f"boxes of {acquisition.box_width} pixels: {across} side by side in an image; a query of "
        f"{acquisition.query_size} is {share:.2f} % of the pool's pixels (cost_P), "
        f"{config.iterations} iterations query {share * config.iterations:.1f} %"
    )
    clicks = _clicks_per_image(config, dataset, split)
    if clicks is not None:
        facts.append(
            f"clicks: about {clicks:.0f} for a whole image; a query at the pool's average density costs about "
            f"{share / 100 * clicks * pool:.0f} of {clicks * pool:.0f} clicks, before boxes' own"
        )
    return facts


def _asked_of_people(config: ExperimentConfig, dataset: Dataset, split: Split) -> list[str]:
    """What people will be asked, where they label."""
    if config.oracle.kind != "people":
        return []
    sets = list(whole_image_sets(split, dataset.has_labels))
    first = " and ".join(f"{len(tasks.images)} whole images ({tasks.name})" for tasks in sets) or "nothing"
    facts = [
        f"people are asked: first {first}, then in each of {config.iterations} iterations "
        f"{config.acquisition.query_size} boxes of {config.acquisition.box_width}×{config.acquisition.box_width} pixels"
    ]
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
