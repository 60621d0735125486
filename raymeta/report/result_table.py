"""The paper's Table 1: what each strategy costs at target, as rows, CSV and LaTeX."""

from collections.abc import Sequence
from dataclasses import dataclass

from raymeta.acquisition.strategies import strategy_of
from raymeta.annotation.cost_models import COST_MODELS
from raymeta.report.comparison import Comparison
from raymeta.report.cost_at_target import CostAtTarget
from raymeta.report.csv_files import to_csv
from raymeta.report.figures import SHOWN_COSTS


@dataclass(frozen=True)
class ResultRow:
    """One strategy; `best` names the costs in which no other strategy of its kind is cheaper.

    true_clicks: sees the true clicks, so it competes only with its like.
    """

    label: str
    true_clicks: bool
    costs: dict[str, CostAtTarget]
    best: frozenset[str]

    @property
    def iteration(self) -> int | None:
        """First iteration where the mean curve reaches the target."""
        return next(iter(self.costs.values())).iteration


def result_rows(comparison: Comparison) -> list[ResultRow]:
    """Rows in the order of the groups, those with true clicks last; none without a target."""
    true_clicks = {
        group.label: strategy_of(group.runs[0].config.acquisition).true_clicks for group in comparison.queried
    }
    least: dict[tuple[bool, str], float] = {}
    for label, costs in comparison.at_target.items():
        for name, value in costs.items():
            if value.cost is not None:
                kind = (true_clicks[label], name)
                least[kind] = min(least.get(kind, value.cost), value.cost)
    rows = [
        ResultRow(
            label,
            true_clicks[label],
            dict(costs),
            frozenset(n for n, v in costs.items() if v.cost is not None and v.cost == least[true_clicks[label], n]),
        )
        for label, costs in comparison.at_target.items()
    ]
    return sorted(rows, key=lambda row: row.true_clicks)


def target_csv(comparisons: Sequence[Comparison]) -> bytes:
    """One line a setting, strategy and cost."""
    header = ["setting", "strategy", "cost", "iteration", "value", "best"]
    header += ["seed_mean", "seed_std", "seeds_reached", "seeds"]
    rows = []
    for comparison in comparisons:
        for row in result_rows(comparison):
            for name, value in row.costs.items():
                first = [comparison.label, row.label, COST_MODELS[name].label, value.iteration, value.cost]
                seeds = [value.seed_mean, value.seed_std, value.seeds_reached, value.seeds]
                rows.append([*first, int(name in row.best), *seeds])
    return to_csv(header, rows)


def target_latex(comparisons: Sequence[Comparison]) -> bytes:
    """A `tabular` for the package booktabs: costs in percent, the best bold, ± the seeds' standard deviation."""
    lines = [
        r"% needs \usepackage{booktabs}",
        rf"\begin{{tabular}}{{lr{'r' * len(SHOWN_COSTS)}}}",
        r"\toprule",
        " & ".join(["strategy", "iteration", *(rf"${model.label}$ [\%]" for model in SHOWN_COSTS)]) + r" \\",
    ]
    for comparison in comparisons:
        rows = result_rows(comparison)
        if not rows:
            continue
        lines.append(r"\midrule")
        if comparison.label:
            lines.append(rf"\multicolumn{{{2 + len(SHOWN_COSTS)}}}{{l}}{{\emph{{{_escape(comparison.label)}}}}} \\")
        lines += [_latex_row(row) for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""]).encode()


def _latex_row(row: ResultRow) -> str:
    cells = [_escape(row.label), "--" if row.iteration is None else str(row.iteration)]
    for name, value in row.costs.items():
        shown = "--" if value.cost is None else f"{value.cost:.2f}"
        shown = rf"\textbf{{{shown}}}" if name in row.best else shown
        cells.append(shown if value.seed_std is None else rf"{shown} $\pm$ {value.seed_std:.2f}")
    return " & ".join(cells) + r" \\"


def _escape(text: str) -> str:
    for plain in "_%&#$":
        text = text.replace(plain, rf"\{plain}")
    return text
