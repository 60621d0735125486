"""One comparison as the page shows it: its figures and tables, and what was left out and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.figure import Figure

from raymeta.report import class_figures, figures
from raymeta.report.click_agreement import Agreement, ClickPairs, agreement
from raymeta.report.click_figures import click_scatter
from raymeta.report.comparison import Comparison
from raymeta.report.cost_calibration import CalibrationRow, calibration_rows
from raymeta.report.figure_style import drawn_plainly, to_png, to_svg
from raymeta.report.figures import SHOWN_COSTS
from raymeta.report.paired_comparison import EqualCost, PairRow, equal_cost, paired_rows
from raymeta.report.provenance import provenance
from raymeta.report.report_panels import class_names
from raymeta.report.result_table import ResultRow, result_rows
from raymeta.report.verdict import verdict
from raymeta.runs.forecast import Forecast, forecast_of

MAX_LEARNING_CURVES: Final = 8
"""Groups whose learning curves are drawn; learning_curves.csv has all of them."""

WriteFile = Callable[[str, bytes], str]


@dataclass(frozen=True)
class Section:
    """What the page shows of one comparison; `omitted` names each part that is left out, and why.

    names: of the classes; dull: of those that no run predicts, so that they have no curve.
    """

    comparison: Comparison
    verdict: list[str]
    provenance: list[tuple[str, str]]
    names: tuple[str, ...]
    dull: list[str]
    figures: dict[str, str]
    equal_cost: EqualCost | None
    paired: list[PairRow]
    results: list[ResultRow]
    clicks: list[tuple[str, Agreement]]
    calibration: list[CalibrationRow]
    forecasts: list[tuple[str, int, Forecast]]
    learning_curves: list[tuple[str, str]]
    omitted: list[tuple[str, str]]
    notes: list[str]

    @property
    def reached(self) -> bool:
        """Whether any seed of any strategy reaches the target."""
        return any(cost.seeds_reached for row in self.results for cost in row.costs.values())


def make_section(comparison: Comparison, pairs: Mapping[str, ClickPairs], write: WriteFile) -> Section:
    """Draw and save the figures of one comparison, and form its tables.

    Args:
        comparison: its groups and target.
        pairs: estimated and true clicks by the location of the run.
        write: saves a file of the report.
    """
    names, notes = class_names([run for group in comparison.groups for run in group.runs])
    clicks = _clicks(comparison, pairs)
    drawn, omitted = _figures(comparison, names, clicks)
    shown = {}
    for name, figure in drawn.items():
        file = f"{name}_{comparison.key}" if comparison.key else name
        write(f"{file}.png", to_png(figure))
        shown[name] = to_svg(figure, file)
    equal = equal_cost(comparison) if len(comparison.queried) > 1 else None
    results = result_rows(comparison)
    omitted += _missing_tables(comparison, equal, results, clicks)
    curves, left = _learning_curves(comparison, write)
    return Section(
        comparison=comparison,
        verdict=verdict(comparison),
        provenance=provenance(comparison),
        names=names,
        dull=class_figures.dull_classes(comparison.queried, names),
        figures=shown,
        equal_cost=equal,
        paired=paired_rows(comparison),
        results=results,
        clicks=[(label, agreement(found.estimated, found.true)) for label, (_, found) in clicks.items()],
        calibration=calibration_rows(comparison),
        forecasts=_forecasts(comparison),
        learning_curves=curves,
        omitted=omitted + left,
        notes=notes,
    )


def _forecasts(comparison: Comparison) -> list[tuple[str, int, Forecast]]:
    """Label, seed and forecast of each run that has one."""
    found = [(group.label, run.seed, forecast_of(run.summaries)) for group in comparison.queried for run in group.runs]
    return [(label, seed, value) for label, seed, value in found if value is not None]


def _clicks(comparison: Comparison, pairs: Mapping[str, ClickPairs]) -> dict[str, tuple[str, ClickPairs]]:
    """Strategy and boxes by group label, of the groups that have some."""
    joined = {
        group.label: (
            group.strategy,
            ClickPairs.join([pairs[run.store.location] for run in group.runs if run.store.location in pairs]),
        )
        for group in comparison.queried
    }
    return {label: found for label, found in joined.items() if len(found[1].true)}


@drawn_plainly
def _figures(
    comparison: Comparison, names: Sequence[str], clicks: Mapping[str, tuple[str, ClickPairs]]
) -> tuple[dict[str, Figure], list[tuple[str, str]]]:
    """Figures by name, and those that would tell nothing with the reason."""
    groups, queried = comparison.groups, comparison.queried
    curves = [group for group in queried if len(group.mean("iteration")) > 1]
    drawn: dict[str, Figure] = {}
    omitted: list[tuple[str, str]] = []
    if curves:
        for cost in SHOWN_COSTS:
            drawn[f"miou_over_{cost.name}"] = figures.curves(queried, comparison.target, over=cost.name)
        drawn["miou_over_iterations"] = figures.curves(queried, comparison.target, over="iteration")
        drawn |= {f"{cost.name}_over_iterations": figures.costs(queried, cost=cost) for cost in SHOWN_COSTS}
        by_class = class_figures.class_curves(queried, names)
        if by_class is None:
            omitted.append(("IoU of each class over cost_A", "no class rises above 1 % in any run"))
        else:
            drawn["class_iou_over_cost_a"] = by_class
    elif queried:
        omitted.append(("Curves over cost and iterations", "no run has more than one finished iteration"))
    fitted = [group for group in curves if figures.has_values(group, "r2")]
    if fitted:
        drawn["r2_over_iterations"] = figures.meta_regressor_r2(fitted)
    else:
        omitted.append(("R² of the meta regressor", "no strategy here fits one in more than one iteration"))
    drawn["class_iou"] = class_figures.class_iou(groups, names)
    if clicks:
        drawn["clicks"] = click_scatter(clicks)
    return drawn, omitted


def _missing_tables(
    comparison: Comparison,
    equal: EqualCost | None,
    results: Sequence[ResultRow],
    clicks: Mapping[str, tuple[str, ClickPairs]],
) -> list[tuple[str, str]]:
    omitted = []
    if not results:
        target = "no full_set run is among the runs, and report.full_set_run names none"
        omitted.append(("Cost at target", target if comparison.target is None else "only the full set was run"))
    if equal is None:
        few = {0: "only the full set was run", 1: "one strategy alone has nothing to be compared with"}
        reason = few.get(len(comparison.queried), "the runs have no range of cost_A in common")
        omitted.append(("At equal cost", reason))
    if not clicks:
        units = {run.config.acquisition.unit for group in comparison.queried for run in group.runs}
        no_box = "no queried box has both counts (strategies with true clicks estimate none)"
        reason = no_box
        if units and "box" not in units:
            reason = f"a {' or a '.join(sorted(units))} costs one click, so nothing is estimated"
        omitted.append(("Estimated and true clicks", reason))
    return omitted


def _learning_curves(comparison: Comparison, write: WriteFile) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Caption and SVG of the training of one run of each group: of its first seed."""
    shown: list[tuple[str, str]] = []
    runs = [(group, group.runs[0]) for group in comparison.groups]
    drawn = [(group, run) for group, run in runs if any(table.num_rows > 1 for table in run.learning_curves.values())]
    for number, (group, run) in enumerate(drawn[:MAX_LEARNING_CURVES]):
        suffix = f"_{comparison.key}" if comparison.key else ""
        name = f"learning_curves_{number:02d}_{run.strategy}_seed_{run.seed}{suffix}"
        figure = figures.learning_curves(run)
        write(f"{name}.png", to_png(figure))
        shown.append((f"{group.label}, seed {run.seed}", to_svg(figure, name)))
    if not drawn:
        return shown, [("Learning curves", "no network was trained for more than one epoch")]
    left = len(drawn) - len(shown)
    more = [("Learning curves of further strategies", f"{left} more are in learning_curves.csv")] if left else []
    return shown, more
