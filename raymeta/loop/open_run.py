"""A run that is open: its iterations, one after another, until it is over or people are asked."""

from collections.abc import Mapping

from raymeta.annotation.known_labels import KnownLabels
from raymeta.config import ExperimentConfig
from raymeta.datasets.sample import Dataset
from raymeta.errors import WaitingForPeople
from raymeta.loop import stages
from raymeta.loop.estimated_pool import estimate_pool_clicks
from raymeta.loop.held_out_images import count_held_out_clicks, judge_on_test_split
from raymeta.loop.people import label_store, open_annotator, wait_for_people
from raymeta.loop.pool_clicks import count_pool_clicks
from raymeta.loop.progress import RunProgress
from raymeta.loop.session import Session
from raymeta.loop.summary import iteration_summary
from raymeta.loop.workers import StartWorkers
from raymeta.runs.forecast import forecast_of
from raymeta.runs.input_key import labels_key
from raymeta.runs.iteration_folder import IterationFolder
from raymeta.runs.records import SummaryRecord
from raymeta.runs.run_state import is_over, state_of
from raymeta.runs.run_store import RunStore
from raymeta.runs.split import Split
from raymeta.tracking.run_trackers import RunTrackers


def run_open(
    config: ExperimentConfig,
    store: RunStore,
    dataset: Dataset,
    split: Split,
    workers: StartWorkers,
    checked: dict[int, list[str]],
    progress: RunProgress,
) -> None:
    """Go on with a run that is open, in its locked folder."""
    labels = label_store(config, store)
    annotator = open_annotator(config, store, dataset, labels, progress.advance)
    with progress, RunTrackers(config, store, dataset.class_names, progress.say) as trackers:
        progress.begin_stage("start")
        store.write_waiting(None)
        try:
            wait_for_people(config, store, annotator, split, dataset)
            with workers(config) as (trainer, scorer):
                session = Session(config, store, dataset, split, trainer, scorer, annotator, labels, progress, trackers)
                try:
                    run_iterations(session, checked)
                except KeyboardInterrupt:
                    progress.stopping()
                    raise
        except WaitingForPeople as waiting:
            store.write_waiting(str(waiting))
            raise


def run_iterations(session: Session, checked: Mapping[int, list[str]] | None = None) -> None:
    """Run iterations until the config's number of them, or the pool is dry.

    checked: sound stages of iterations whose artefacts were checked while the run folder was locked.
    """
    strategy, boxes = session.config.acquisition.strategy, list[int]()
    while not is_over(state := state_of(strategy, session.config.iterations, boxes)):
        summary = run_iteration(session, len(boxes), (checked or {}).get(len(boxes)))
        session.trackers.iteration(summary)
        boxes.append(summary.query_boxes)
    if state == "dry":
        session.progress.say("the pool is dry: no box with a positive score is left")
    count_pool_clicks(session)  # both done already, unless a file was lost
    count_held_out_clicks(session)


def run_iteration(session: Session, index: int, checked: list[str] | None = None) -> SummaryRecord:
    """One iteration; stages that are committed and sound are not done again.

    checked: its sound stages, where its artefacts were checked while the run folder was locked.
    """
    folder = session.store.iteration(index)
    if not folder.is_named("network.pt"):
        session.labels.keep_snapshot(index)
    known = session.labels.known_labels(index)
    committed = _sound_stages(session, folder, known, folder.committed_stages() if checked is None else checked)
    if "summary" in committed:
        folder.delete_scratch_files()
        return SummaryRecord.read(folder)
    session.begin_iteration()
    session.recall_faults(folder, committed)
    session.progress.begin_iteration(index, resumed=bool(committed))
    if session.config.oracle.kind == "people":
        estimate_pool_clicks(session)
    else:
        count_pool_clicks(session)
    count_held_out_clicks(session)
    if "train" not in committed:
        stages.train(session, folder, index, known)
    if session.config.acquisition.strategy == "full_set":
        stages.finish_full_set(session, folder)
    else:
        if "fit" not in committed:
            stages.fit(session, folder, index, known)
        if "score" not in committed:
            stages.score(session, folder, index, known)
        if "annotate" not in committed:
            stages.annotate(session, folder, index)
    tested = judge_on_test_split(session, folder, index)
    summary = iteration_summary(session.config, session.store, session.split, index, known.regions, tested)
    summary.write(folder)
    folder.commit("summary", ["summary.json", *([] if tested is None else [tested.FILE])])
    folder.delete_scratch_files()
    earlier = [SummaryRecord.read(session.store.iteration(before)) for before in range(index)]
    session.progress.finish_iteration(summary, forecast_of([*earlier, summary]))
    return summary


def _sound_stages(session: Session, folder: IterationFolder, known: KnownLabels, committed: list[str]) -> list[str]:
    """Committed stages that count; a damaged artefact is named and its stage is done again."""
    if committed and folder.inputs("train") not in ("", labels_key(known)):
        # An earlier iteration was done again and asked for other boxes, as another machine's arithmetic may do.
        session.progress.say(f"{folder.location}: was trained on other labels than there are now; it is done again")
        return []
    for stage in stages.STAGES:
        if stage not in committed:
            for fault in folder.damaged(stage):
                session.progress.say(f"{fault}; stage {stage} is done again")
    return committed
