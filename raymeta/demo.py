"""The main job on generated street scenes: a strategy against random boxes, nothing to download."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console

from raymeta.config import PRESETS, ExperimentConfig, RunStrategyName, absolute_paths, parse_config
from raymeta.loop.shared_work import SharedWork
from raymeta.network_settings import FROM_SCRATCH, LEARNS_FROM_SCRATCH, PRETRAINED, has_pretrained
from raymeta.report.click_curves import click_curve, curve_table, saved_sentence
from raymeta.report.page import write_report
from raymeta.report.run_results import load_run
from raymeta.text_tables import show_table

BASELINE: Final = "random_box"
SHARED: Final = "shared"
"""Folder of what both runs need alike: the first training, the encoder's features, clicks of the pool."""
LONGER: Final = PRETRAINED | {
    "training": PRETRAINED["training"] | {"steps": 900, "full_steps_at": 12, "min_steps": 300, "example_balance": 0.5}
}
"""The full set reaches 39 % mIoU in so many steps and 27 % in 300: it is labels that have to limit the runs."""


def demo_config(out: Path, strategy: str, seed: int, *, pretrained: bool) -> ExperimentConfig:
    """Small enough for 2 cores and a few minutes, large enough that the network still learns."""
    config = parse_config(
        {
            "run_dir": str(out / strategy),
            "shared_dir": str(out / SHARED),
            "seed": seed,
            "iterations": 4,
            "dataset": {
                "kind": "street_scenes",
                "root": str(out / f"scenes_{seed}"),
                "scenes": {"train_images": 240, "validation_images": 60, "height": 96, "width": 192, "seed": seed},
            },
            "acquisition": {
                "strategy": strategy,
                "box_width": 16,
                "query_size": 5000,
                "query_clicks": 3000.0,
                "initial_images": 6,
                "meta_images": 0,
                "clicks_sample_images": 16,
            },
            **(LONGER if pretrained else FROM_SCRATCH),
        },
        source="demo",
    )
    return absolute_paths(config)


def run_demo(
    out: Path, strategy: RunStrategyName, seed: int, run: Callable[[ExperimentConfig, Console], None], console: Console
) -> int:
    """Run the strategy and random boxes with one seed, write the report, print mIoU over clicks.

    Args:
        out: folder of scenes, runs and the report.
        strategy: a preset with a gain, other than `random_box`.
        seed: of scenes and runs.
        run: runs one experiment.
        console: what is said goes there.

    Returns:
        exit code of the command.
    """
    began = time.monotonic()
    pretrained = has_pretrained()
    if not pretrained:
        console.print(LEARNS_FROM_SCRATCH, highlight=False)
    runs = []
    for name in (strategy, BASELINE):
        config = demo_config(out, name, seed, pretrained=pretrained)
        run(config, console)
        runs.append(config.run_dir)
    SharedWork(str(out / SHARED)).delete()
    path = write_report(runs, str(out / "report"))
    own, baseline = (click_curve(load_run(location)) for location in runs)
    show_table(console, curve_table(own, baseline))
    console.print(_start_sentence(strategy), highlight=False)
    console.print(saved_sentence(own, baseline), highlight=False)
    console.print(f"{time.monotonic() - began:.0f} s", highlight=False)
    console.print(f"report: {path}", highlight=False, soft_wrap=True)
    return 0


def _start_sentence(strategy: RunStrategyName) -> str:
    start = "Both start from the same labelled images"
    if PRESETS[strategy].gain != "metaseg":
        return f"{start}."
    return f"{start}; the meta regressor of {strategy} learns from them and from answered boxes, so it costs no clicks."
