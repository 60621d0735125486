"""How every figure of a report looks: colours, axes, and saving as PNG or as SVG that follows the page."""

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from itertools import count
from typing import Any, Final, ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from raymeta.config.presets import CUSTOM
from raymeta.report.run_results import RunGroup

P = ParamSpec("P")
R = TypeVar("R")

FOREGROUND: Final = "#1b2129"
GRID: Final = "#d5dae1"
COLOURS: Final = {
    "random_box": "#8a8f98",
    "entropy_box": "#e69f00",
    "entropy_box_plus": "#d55e00",
    "metabox": "#56b4e9",
    "metabox_plus": "#1f83c6",
    "entropy_box_plus_star": "#cc79a7",
    "metabox_plus_star": "#009e73",
    "full_set": "#b8a000",
    "points": "#0b6e4f",
    "random_points": "#7fb8a4",
    "segments": "#a4243b",
    "random_segments": "#dd8a97",
    "superpixels": "#5e548e",
    "random_superpixels": "#aba3d0",
}
"""Boxes by Okabe and Ito's palette, told apart with any colour vision; one colour a strategy in every figure."""
MARKERS: Final = {
    "random_box": "o",
    "entropy_box": "s",
    "entropy_box_plus": "D",
    "metabox": "^",
    "metabox_plus": "v",
    "entropy_box_plus_star": "P",
    "metabox_plus_star": "X",
    "full_set": "*",
    "points": "p",
    "random_points": "h",
    "segments": "d",
    "random_segments": "<",
    "superpixels": "H",
    "random_superpixels": ">",
}

MORE_COLOURS: Final = ("#3a86ff", "#8d6b2f", "#c9184a", "#2a9d8f", "#6a4c93", "#2b4162", "#f4732c", "#5f7c1f")
"""For further groups of a strategy, whose own colour the first of them has."""
FONTS: Final = (
    "DejaVu Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Source Han Sans",
    "WenQuanYi Zen Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Arial Unicode MS",
)
"""Families that are tried for a glyph, in this order, as far as they are installed: names may be in any script."""

PNG_DPI: Final = 160

MAX_INSIDE: Final = 4
"""Entries of a legend inside the axes."""


@contextmanager
def plain_text() -> Iterator[None]:
    """People's names are drawn as they are: no mathtext, and fonts of other scripts where they are installed.

    A glyph that no installed font has is a hollow box in a PNG, without a warning on the console; SVGs hold text, and
    the reader's own fonts draw it.
    """
    installed = set(font_manager.fontManager.get_font_names())
    families = [name for name in FONTS if name in installed]
    with mpl.rc_context({"text.parse_math": False, "font.family": families}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def drawn_plainly(draw: Callable[P, R]) -> Callable[P, R]:
    """A function that draws with `plain_text`; what makes a figure and what saves it both need it."""

    @wraps(draw)
    def plainly(*arguments: P.args, **options: P.kwargs) -> R:
        with plain_text():
            return draw(*arguments, **options)

    return plainly


@drawn_plainly
def to_png(figure: Figure) -> bytes:
    """The figure as PNG on white, for papers and slides."""
    sink = io.BytesIO()
    own_dpi = figure.get_dpi()
    figure.set_dpi(PNG_DPI)
    figure.set_facecolor("white")
    # By its canvas: `savefig` draws everything twice, the first time for the layout alone.
    FigureCanvasAgg(figure).print_png(sink, metadata={"Software": "raymeta"})
    figure.set_dpi(own_dpi)
    figure.set_layout_engine("none")  # the layout is found: an SVG of the same figure needs no second search
    return sink.getvalue()


@drawn_plainly
def to_svg(figure: Figure, name: str) -> str:
    """The figure as an SVG element whose text and grid take the page's colours; `name` keeps ids apart on a page."""
    sink = io.StringIO()
    for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
        patch.set(facecolor="none", edgecolor="none")
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        FigureCanvasSVG(figure).print_svg(sink, metadata={"Date": None, "Creator": None})
    text = sink.getvalue()
    text = text[text.index("<svg") :].replace(FOREGROUND, "currentColor").replace(GRID, "var(--grid)")
    text = re.sub(r"font-family: [^;\"]+", "font-family: inherit", text)
    used = set(re.findall(r"#([^\")]+)", text))
    text = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in used else "", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{name.replace("_", " ")}"', 1)


def new_figure(x_label: str, y_label: str, height: float = 3.4, grid: bool = True) -> tuple[Figure, Any]:
    figure = Figure(figsize=(4.8, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    style_axes(axes, x_label, y_label, grid)
    return figure, axes


def style_axes(axes: Any, x_label: str, y_label: str, grid: bool = True) -> None:
    axes.set_xlabel(x_label, color=FOREGROUND)
    axes.set_ylabel(y_label, color=FOREGROUND)
    axes.tick_params(colors=FOREGROUND, labelsize=9)
    for side, spine in axes.spines.items():
        spine.set_visible(grid and side in ("left", "bottom"))
        spine.set_color(FOREGROUND)
    if grid:
        axes.grid(color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)


def group_styles(groups: Sequence[RunGroup]) -> list[tuple[RunGroup, dict[str, Any]]]:
    """One colour and marker a strategy; further groups of a strategy have colours and lines of their own.

    A custom one whose runs are called by a strategy's name looks like that.
    """
    lines, seen, more, result = ["-", "--", "-.", (0, (1, 1))], dict[str, int](), count(), []
    for group in groups:
        name = group.label if group.strategy == CUSTOM and group.label in COLOURS else group.strategy
        number = seen[name] = seen.get(name, -1) + 1
        own = COLOURS.get(name, FOREGROUND)
        colour = own if number == 0 else MORE_COLOURS[next(more) % len(MORE_COLOURS)]
        style = {"color": colour, "marker": MARKERS.get(name, "o"), "linestyle": lines[number % len(lines)]}
        result.append((group, style))
    return result


def add_legend(axes: Any) -> None:
    """Inside the axes, where it finds room; below them, in a figure that grows by it, where it would hide curves."""
    handles, labels = axes.get_legend_handles_labels()
    if 0 < len(labels) <= MAX_INSIDE:
        axes.legend(fontsize=9, frameon=False, labelcolor=FOREGROUND)
    elif labels:
        columns = 2 if max(map(len, labels)) <= 24 else 1
        axes.figure.set_figheight(axes.figure.get_figheight() + 0.2 * -(-len(labels) // columns))
        place = {"loc": "outside lower center", "ncols": columns}
        axes.figure.legend(handles, labels, fontsize=8, frameon=False, labelcolor=FOREGROUND, **place)
