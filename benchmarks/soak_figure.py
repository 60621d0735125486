"""The picture of a soak: each thing that may not grow, over time."""

import json
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

PANELS = {
    "memory_mib": "memory of all processes (MiB, PSS)",
    "first_mib": "memory of the driver (MiB, PSS)",
    "open_files": "open files",
    "threads": "threads",
    "processes": "processes",
    "actors": "Ray actors and tasks",
}


def write_figure(out: Path) -> Path:
    """Draw OUT/samples.jsonl as OUT/soak.png."""
    samples = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    minutes = [sample["seconds"] / 60 for sample in samples]
    figure = Figure(figsize=(9.6, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    for place, (name, title) in enumerate(PANELS.items(), start=1):
        axes = figure.add_subplot(2, 3, place)
        axes.plot(minutes, [sample[name] for sample in samples], color="#1f83c6", linewidth=0.8)
        axes.set_ylim(bottom=0)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("minutes", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(color="#d5dae1", linewidth=0.5)
    path = out / "soak.png"
    figure.savefig(path, dpi=120, facecolor="white")
    return path
