"""Pictures of a report's runs: drawn where network and data set are at hand, else a note says what is missing."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from raymeta.report.file_names import file_key
from raymeta.report.run_results import FULL_SET, RunGroup, RunResults
from raymeta.runs.run_store import RunError


@dataclass(frozen=True)
class ShownPanel:
    """A picture for the page; `png` in base64."""

    label: str
    image_id: str
    iteration: int
    png: str


@dataclass(frozen=True)
class ReportPanels:
    """Figure 4 and Figure 7 of the first run of each group, and what kept others from being drawn."""

    maps: tuple[ShownPanel, ...]
    aggregations: tuple[ShownPanel, ...]
    notes: tuple[str, ...]


def report_panels(groups: Sequence[RunGroup], write: Callable[[str, bytes], str]) -> ReportPanels:
    """Draw panels and save them below `panels/` with `write`."""
    from raymeta.report.run_panels import last_queried, render_run_panels  # loads torch

    maps: list[ShownPanel] = []
    aggregations: list[ShownPanel] = []
    missing: dict[str, list[str]] = {}
    for group in groups:
        run = group.runs[0]
        if group.strategy == FULL_SET or run.config.report.panel_images == 0:
            continue
        try:
            index = last_queried(run.store)
            if index is None:
                raise RunError(f"{run.store.location} has no iteration whose network and query are sound")
            panels = render_run_panels(run.store, index, run.config.report.panel_images)
        except (ValueError, OSError) as error:
            missing.setdefault(str(error), []).append(group.label)
            continue
        for place, panel in enumerate(panels):
            name = f"{file_key(group.label)}_{panel.iteration:03d}_{file_key(panel.image_id)}"
            for kind, png, shown in (("maps", panel.png, maps), ("aggregation", panel.aggregation, aggregations)):
                if png is None:
                    continue
                write(f"panels/{name}_{kind}.png", png)
                if kind == "maps" or place == 0:  # pictures weigh: the page shows one aggregation a group
                    text = base64.b64encode(png).decode()
                    shown.append(ShownPanel(group.label, panel.image_id, panel.iteration, text))
    notes = [f"no panels of {', '.join(labels)}: {reason}" for reason, labels in missing.items()]
    return ReportPanels(tuple(maps), tuple(aggregations), tuple(notes))


def class_names(runs: Sequence[RunResults]) -> tuple[tuple[str, ...], list[str]]:
    """Names of the classes from the data set, else from the file that an exported run brings along."""
    from raymeta.datasets.registry import open_existing  # loads torch: only for reports, not for tables

    notes = []
    for run in runs:
        try:
            return tuple(open_existing(run.config.dataset, run.config.seed).class_names), []
        except (ValueError, OSError) as error:
            notes.append(str(error))
        kept = run.store.class_names()
        if kept is not None:
            return kept, []
    return (), notes[:1]
