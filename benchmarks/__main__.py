"""Run the benchmarks, print their table and write it as JSON."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.exchange_runs import measure_exchange
from benchmarks.gpu_stages import measure_gpu
from benchmarks.image_stages import measure_image_stages
from benchmarks.iteration_stages import measure_iterations
from benchmarks.measurement import Measurement
from benchmarks.pool_stages import measure_pool
from benchmarks.query_stages import measure_queries
from benchmarks.scale_stages import measure_scale
from benchmarks.selection_stages import measure_selection
from benchmarks.training_stages import measure_training

SECTIONS: dict[str, Callable[[bool], list[Measurement]]] = {
    "image": measure_image_stages,
    "query": measure_queries,
    "gpu": measure_gpu,
    "selection": measure_selection,
    "scale": measure_scale,
    "pool": measure_pool,
    "training": measure_training,
    "iteration": measure_iterations,
    "exchange": measure_exchange,
}


def main(arguments: list[str] | None = None) -> int:
    """Measure the sections that were asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs, not how fast")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks.json"), help="JSON file, default %(default)s")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.sections if name not in SECTIONS]:
        parser.error(f"section {unknown[0]!r} is unknown: choose of {', '.join(SECTIONS)}")
    torch.set_num_threads(1)  # the figures hold for one core
    cv2.setNumThreads(1)
    rows: list[Measurement] = []
    for name in options.sections or SECTIONS:
        rows += SECTIONS[name](options.quick)
    Console(width=None if sys.stdout.isatty() else 200).print(_table(rows))
    machine = {"cores": os.cpu_count(), "processor": platform.machine(), "python": platform.python_version()}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine, "quick": options.quick, "rows": [row.as_dict() for row in rows]}
    options.out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def _table(rows: list[Measurement]) -> Table:
    table = Table("stage", "size", "ms", "ratio", "peak MiB", "target", "note", box=None)
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        peak = "" if row.peak_mib is None else f"{row.peak_mib:.1f}"
        table.add_row(row.stage, row.size, f"{1000 * row.seconds:.1f}", ratio, peak, row.target, row.note)
    return table


if __name__ == "__main__":
    sys.exit(main())
