"""Is the data there and readable, and what do the numbers of a config mean for it: changes nothing."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raymeta.config import ExperimentConfig, differences, is_many, run_configs, run_name
from raymeta.datasets.fault_groups import grouped_faults
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import Dataset
from raymeta.errors import InputError
from raymeta.loop.config_facts import describe
from raymeta.loop.experiment_split import experiment_split
from raymeta.loop.number_checks import check_answerable, check_numbers
from raymeta.loop.study_folder import check_study_folder
from raymeta.runs.kept_classes import class_changes
from raymeta.runs.other_config import other_config
from raymeta.runs.run_store import CONFIG, RUN, RunError, RunStore
from raymeta.runs.split import Split
from raymeta.runs.store_files import REMEDY
from raymeta.runs.writable_place import write_fault
from raymeta.tracking.tracker import check_trackers

if TYPE_CHECKING:
    from raymeta.networks.segmentation_network import SegmentationNetwork


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
    for check in (check_study_folder, check_trackers):
        try:
            check(config)
        except InputError as error:
            faults.append(str(error))
    for run in runs:
        try:
            facts.append(check_run_folder(run))
        except InputError as error:
            faults.append(str(error))
    faults += _unwritable(runs)
    return report


def _unwritable(runs: Sequence[ExperimentConfig]) -> list[str]:
    """A line for each reason why run folders can't be written; those behind a URI aren't tried."""
    folders_by_reason = dict[str, list[str]]()
    for run in runs:
        with suppress(RunError):  # check_run_folder tells what is wrong with the place
            store = RunStore(run.run_dir)
            if store.local_root is not None and (reason := write_fault(store.local_root)) is not None:
                folders_by_reason.setdefault(reason, []).append(store.location)
    return [
        f"run folder {folders[0]}{f' and {len(folders) - 1} more' if len(folders) > 1 else ''}: {reason}; {REMEDY}"
        for reason, folders in folders_by_reason.items()
    ]


def _check_run(config: ExperimentConfig, progress: ProgressBar) -> CheckReport:
    dataset = open_dataset(config.dataset, config.seed)
    with progress(len(dataset.pool_ids()) + len(dataset.validation_ids()) + len(dataset.test_ids())) as count:
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
    return CheckReport(faults, [*survey.warnings, *_network_warnings(config, network)], facts)


def _network_warnings(config: ExperimentConfig, network: "SegmentationNetwork | None") -> list[str]:
    from raymeta.networks.trial import network_warnings

    return [] if network is None else network_warnings(network, config.network)


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


def check_run_folder(config: ExperimentConfig) -> str:
    """What `raymeta run` finds in `run_dir`, one line; writes nothing.

    Raises:
        RunError: files of others, or a run that this config can't resume.
    """
    store = RunStore(config.run_dir)
    damaged = [fault for fault in store.damaged() if fault.split(": ")[0].endswith((f"/{RUN}", f"/{CONFIG}"))]
    if not store.exists() and not damaged:
        return f"run folder {store.location}: new"
    if damaged:
        return f"run folder {store.location}: resumes the run there if this config began it; {', '.join(damaged)}"
    changed = differences(store.load_config(), config)
    if changed:
        raise other_config(store.location, changed)
    return f"run folder {store.location}: resumes the run there"


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
