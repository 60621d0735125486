"""`raymeta requery`: another query from a saved network, without training, beside the one that the run made."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

from raymeta.acquisition.policies.registry import candidate_merge
from raymeta.acquisition.strategies import strategy_of
from raymeta.annotation.known_labels import KnownLabels
from raymeta.boxes import check_box_width
from raymeta.config import ConfigError, ExperimentConfig, apply_overrides
from raymeta.datasets.registry import open_existing
from raymeta.datasets.sample import Dataset
from raymeta.labels.label_store import LabelStore
from raymeta.labels.simulated_annotator import SimulatedAnnotator
from raymeta.locations import below
from raymeta.loop.image_scorer import Bundle
from raymeta.loop.iteration_bundle import read_bundle
from raymeta.loop.progress import RunProgress
from raymeta.loop.query_choice import choose_query
from raymeta.loop.scoring_bundle import PoolSample, reads_labels, stage_of
from raymeta.loop.workers import Row, Scorer
from raymeta.report.query_comparison import (
    Overlap,
    QueryFigures,
    busiest_images,
    comparison_picture,
    query_figures,
    query_overlap,
)
from raymeta.runs.iteration_folder import MANIFEST, table_to_bytes
from raymeta.runs.query_sources import with_sources
from raymeta.runs.run_store import RUN, RunError, RunStore
from raymeta.runs.split import Split
from raymeta.runs.store_files import StoreFiles
from raymeta.schemas import ANNOTATION_SCHEMA, IMAGE_ID
from raymeta.text_tables import show_table, text_table

StartScorer = Callable[[ExperimentConfig], AbstractContextManager[Scorer]]

CHANGEABLE: Final = ("acquisition.", "scoring.")
FIXED: Final = (
    "acquisition.initial_images",
    "acquisition.meta_images",
    "acquisition.initial_list",
    "acquisition.meta_list",
    "acquisition.match_cost",
)
PICTURED_IMAGES: Final = 3
RESULT: Final = "requery.json"


@dataclass(frozen=True)
class Requery:
    """The new query beside the run's own; `location` is where its files lie."""

    location: str
    original: QueryFigures
    other: QueryFigures
    overlap: Overlap


def requery(
    location: str,
    iteration: int,
    overrides: Sequence[str],
    out: str | None = None,
    console: Console | None = None,
    *,
    scorers: StartScorer,
    dataset_root: str | None = None,
) -> Requery:
    """Score the pool of one iteration again, under other acquisition settings, and compare the queries.

    The images are those that the iteration scored, the network, the meta regressor and the labels its own; nothing of
    the run is changed. Files go to `out`, by default RUN/requery/NNN_settings: query.parquet, annotation.parquet (true
    clicks, of the boxes whose annotation can be read), requery.json, and boxes.png. scorers: starts what scores, and
    ends it. dataset_root: where the data set is now; None takes the config's.

    Raises:
        ConfigError: a setting that needs another network or other labels.
        RunError: no such iteration, an artefact of it is damaged or missing, or `out` is a run's own folder or holds
            another requery.
    """
    store = RunStore(location, dataset_root=dataset_root)
    config = _changed(store.load_config(), overrides)
    folder = store.iteration(iteration)
    if not folder.is_committed("score"):
        known = ", ".join(str(i) for i in store.iterations() if store.iteration(i).is_committed("score"))
        raise RunError(
            f"{folder.location} has no sound network and query: choose an iteration of {known or 'another run'}"
        )
    bundle = read_bundle(store, iteration)
    _check(config, bundle, folder.location)
    files = StoreFiles(out or below(store.location, "requery", _slug(iteration, overrides)))
    _check_target(files, overrides)
    dataset = open_existing(config.dataset, config.seed)
    check_box_width(config.acquisition.box_width, dataset.height, dataset.width)
    images = folder.read_table("images.parquet")
    pool = images.filter(pc.is_null(images["error"]))[IMAGE_ID].to_pylist()
    unlabelled = _unlabelled(store)
    with RunProgress("requery", 1, console) as progress, scorers(_leaving_the_run_alone(config)) as scorer:
        query = _score(config, store, dataset, pool, unlabelled, bundle, progress, scorer)
    query = with_sources(query, dataset, config.dataset)
    annotator = SimulatedAnnotator(config, store, dataset, lambda _: None)
    original, annotation = folder.read_table("query.parquet"), annotator.answer(query)
    theirs = folder.read_table("annotation.parquet") if folder.is_named("annotation.parquet") else None
    result = Requery(
        files.path(""),
        query_figures(original, ANNOTATION_SCHEMA.empty_table() if theirs is None else theirs),
        query_figures(query, annotation),
        query_overlap(original, query),
    )
    _write(files, result, query, annotation, overrides)
    _write_picture(files, dataset, original, query)
    return result


def print_requery(result: Requery, console: Console) -> None:
    """Both queries as a table, and what they share."""
    table = text_table()
    for name in ("query", "asked", "images", "pixels", "estimated clicks", "true clicks", "clicks per 1000 pixels"):
        table.add_column(name, justify="left" if name == "query" else "right")
    for name, found in (("of the run", result.original), ("requery", result.other)):
        density = f"{1000 * found.true_clicks / found.pixels:.2f}" if found.pixels and found.answered else "–"
        clicks = str(found.true_clicks) if found.answered else "–"
        row = (found.boxes, found.images, found.pixels, found.estimated_clicks, clicks, density)
        table.add_row(name, *map(str, row))
    show_table(console, table)
    shares = (result.overlap.of_original, result.overlap.of_other, result.overlap.of_union)
    first, second, union = ("–" if share is None else f"{100 * share:.1f} %" for share in shares)
    console.print(
        f"in both: {first} of the run's pixels, {second} of the new ones, {union} of all; "
        f"{result.overlap.equal_boxes} regions are the same",
        highlight=False,
    )
    console.print(f"files: {result.location}", highlight=False, soft_wrap=True)


def _leaving_the_run_alone(config: ExperimentConfig) -> ExperimentConfig:
    """The config, features and superpixels not written down: the run folder may be finished, or another's."""
    network = config.network.model_copy(update={"kept_features": "memory"})
    return config.model_copy(update={"network": network})


def _changed(config: ExperimentConfig, overrides: Sequence[str]) -> ExperimentConfig:
    for override in overrides:
        if not override.startswith(CHANGEABLE) or override.startswith(FIXED):
            raise ConfigError(
                f"override {override!r} would need other labels or another network: a requery takes acquisition.* "
                f"except {', '.join(FIXED)}…, and scoring.*"
            )
    changed = apply_overrides(config, list(overrides))
    # These settings count, in whatever iteration, and the clicks of another run's query have nothing to do with them.
    asked = changed.acquisition.model_copy(update={"match_cost_of": None, "random_iterations": 0})
    return changed.model_copy(update={"acquisition": asked})


def _check(config: ExperimentConfig, bundle: Bundle, location: str) -> None:
    strategy = strategy_of(config.acquisition)
    if not strategy.priorities:
        raise ConfigError(f"acquisition.strategy={strategy.name} asks for no boxes: choose another")
    if strategy.needs_meta_regressor and bundle.regressor is None:
        raise ConfigError(
            f"acquisition.strategy={strategy.name} needs a meta regressor, {location} has none: "
            "choose a strategy without, or a metabox run"
        )
    if strategy.learned_clicks and bundle.cost_regressor is None:
        raise ConfigError(
            f"acquisition.cost=learned needs a cost regressor, {location} has none: choose another cost, or a run "
            "whose cost is learned"
        )


def _unlabelled(store: RunStore) -> tuple[str, ...]:
    table = store.read_split()
    if table is None:
        raise RunError(f"{store.location}/split.parquet is missing or damaged: resume the run with `raymeta run`")
    return Split.from_table(table).unlabelled


def _score(
    config: ExperimentConfig,
    store: RunStore,
    dataset: Dataset,
    pool: list[str],
    unlabelled: Sequence[str],
    bundle: Bundle,
    progress: RunProgress,
    scorer: Scorer,
) -> pa.Table:
    """The query, as the stage `score` of a run makes it; `pool` leaves out what the run could not read."""
    acquisition = config.acquisition

    def advance(rows: list[Row], safe: Callable[[], None]) -> None:
        progress.advance(len(rows))
        safe()  # nothing is kept: an interrupted query is asked again

    known = LabelStore(store).known_labels(bundle.iteration) if reads_labels(acquisition) else KnownLabels()
    shared = scorer.share(replace(bundle, reference=known))

    def run(task: str, image_ids: Sequence[str]) -> list[Row]:
        progress.begin_stage(stage_of(task))
        return scorer.run(task, image_ids, shared, on_rows=lambda _, safe: safe())

    bundle = PoolSample(unlabelled, pool, config.seed, dataset.num_classes).complete(bundle, acquisition, run)
    progress.begin_stage("score", len(pool))
    merge = candidate_merge(acquisition)
    candidates, rows = scorer.select(pool, scorer.share(bundle), merge, on_rows=advance, known=())
    for row in rows:
        if row["error"] is not None:
            progress.say(f"left out {row[IMAGE_ID]}: {row['error']}")
    return choose_query(candidates, config, store, dataset, bundle.iteration)[0]


def _check_target(files: StoreFiles, overrides: Sequence[str]) -> None:
    """Raises RunError where the folder holds anything but the same requery."""
    if any(files.size(name) is not None for name in (MANIFEST, RUN)):
        raise RunError(f"{files.path('')} is a run's own folder: give --out a folder of its own")
    try:
        found = json.loads(files.read(RESULT) or b"{}")
    except (ValueError, RecursionError):
        found = {}
    other = found.get("overrides") if isinstance(found, dict) else None
    if other is not None and other != list(overrides):
        raise RunError(f"{files.path('')} holds the requery of {other}: give --out another folder, or remove it first")


def _write(files: StoreFiles, result: Requery, query: pa.Table, annotation: pa.Table, overrides: Sequence[str]) -> None:
    content: dict[str, Any] = {
        "overrides": list(overrides),
        "original": vars(result.original),
        "requery": vars(result.other),
        "overlap": vars(result.overlap),
    }
    files.write("query.parquet", table_to_bytes(query))
    files.write("annotation.parquet", table_to_bytes(annotation))
    files.write(RESULT, (json.dumps(content, indent=2) + "\n").encode())


def _write_picture(files: StoreFiles, dataset: Dataset, original: pa.Table, query: pa.Table) -> None:
    shown = [(i, dataset.image(i)) for i in busiest_images(original, query, PICTURED_IMAGES)]
    if shown:
        files.write("boxes.png", comparison_picture(shown, original, query, ("of the run", "requery")))


def _slug(iteration: int, overrides: Sequence[str]) -> str:
    """Name of a folder that tells what was asked: `000_epsilon=1.5`."""
    changes = [override.partition("=") for override in overrides]
    text = "_".join([f"{iteration:03d}", *(f"{key.rpartition('.')[2]}={value}" for key, _, value in changes)])
    return "".join(c if c.isalnum() or c in "=-_." else "-" for c in text)
