"""Pictures of a report's runs: drawn where network and data set are at hand, else a note says what is missing."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image

from raymeta.report.file_names import file_key
from raymeta.report.run_results import FULL_SET, RunGroup, RunResults
from raymeta.runs.run_store import RunError

MAX_PICTURE_WIDTH: Final = 1000
"""Pixels of a picture on the page; the PNG beside it is larger."""
MAX_REASONS: Final = 3
MAX_GROUPS: Final = 8
"""Groups that are pictured: each costs a second and some 100 KB."""


@dataclass(frozen=True)
class ShownPanel:
    """A picture for the page: WebP in base64, a tenth of the PNG's bytes."""

    label: str
    image_id: str
    iteration: int
    webp: str


def page_picture(png: bytes) -> bytes:
    """A PNG as a WebP for the page, at most MAX_PICTURE_WIDTH pixels wide."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.thumbnail((MAX_PICTURE_WIDTH, 16 * MAX_PICTURE_WIDTH), Image.Resampling.LANCZOS)
    sink = io.BytesIO()
    picture.save(sink, format="webp", quality=82, method=4)
    return sink.getvalue()


@dataclass(frozen=True)
class ReportPanels:
    """Figure 4 and Figure 7 of the first run of each group, and what kept others from being drawn."""

    maps: tuple[ShownPanel, ...]
    aggregations: tuple[ShownPanel, ...]
    notes: tuple[str, ...]


def report_panels(groups: Sequence[RunGroup], write: Callable[[str, bytes], str]) -> ReportPanels:
    """Draw panels of the first MAX_GROUPS groups and save them below `panels/` with `write`."""
    maps: list[ShownPanel] = []
    aggregations: list[ShownPanel] = []
    missing: dict[str, list[str]] = {}
    pictured = 0
    for group in groups:
        run = group.runs[0]
        if group.strategy == FULL_SET:
            continue
        if run.config.report.panel_images == 0:
            missing.setdefault("report.panel_images is 0", []).append(group.label)
            continue
        if pictured == MAX_GROUPS:
            missing.setdefault(f"{MAX_GROUPS} strategies are shown", []).append(group.label)
            continue
        if not _has_network(run):
            missing.setdefault("its networks are not kept, as in an exported run", []).append(group.label)
            continue
        from raymeta.report.run_panels import last_queried, render_run_panels  # loads torch

        try:
            index = last_queried(run.store)
            if index is None:
                raise RunError(f"{run.store.location} has no iteration whose network and query are sound")
            panels = render_run_panels(run.store, index, run.config.report.panel_images)
        except (ValueError, OSError) as error:
            missing.setdefault(str(error), []).append(group.label)
            continue
        if not panels:
            missing.setdefault("the last query is empty", []).append(group.label)
            continue
        pictured += 1
        for place, panel in enumerate(panels):
            name = f"{file_key(group.label)}_{panel.iteration:03d}_{file_key(panel.image_id)}"
            for kind, png, shown in (("maps", panel.png, maps), ("aggregation", panel.aggregation, aggregations)):
                if png is None:
                    continue
                write(f"panels/{name}_{kind}.png", png)
                if kind == "maps" or place == 0:  # pictures weigh: the page shows one aggregation a group
                    text = base64.b64encode(page_picture(png)).decode()
                    shown.append(ShownPanel(group.label, panel.image_id, panel.iteration, text))
    return ReportPanels(tuple(maps), tuple(aggregations), tuple(_missing_words(missing)))


def _has_network(run: RunResults) -> bool:
    """Whether the run folder names any network; an exported run has none, and needs no torch to be loaded."""
    return any(run.store.iteration(index).is_named("network.pt") for index in run.store.iterations())


def _missing_words(missing: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence for each reason; many runs that lack the same thing at their own place are told by the first."""
    if len(missing) <= MAX_REASONS:
        return [f"none of {', '.join(labels)}: {reason}" for reason, labels in missing.items()]
    reason, labels = next(iter(missing.items()))
    more = sum(map(len, missing.values())) - len(labels)
    return [f"none of {', '.join(labels)}: {reason}; and none of {more} more strategies for reasons of this kind"]


def class_names(runs: Sequence[RunResults]) -> tuple[tuple[str, ...], list[str]]:
    """Names of the classes: those that an exported run brings along, else the data set's."""
    notes = []
    for run in runs:
        kept = run.store.class_names()
        if kept is not None:
            return kept, []
    from raymeta.datasets.registry import open_existing  # loads torch: only for reports, not for tables

    for run in runs:
        try:
            return tuple(open_existing(run.config.dataset, run.config.seed).class_names), []
        except (ValueError, OSError) as error:
            notes.append(str(error))
    return (), notes[:1]
