"""What a sweep says while it runs, and what it has to remember of trials that the scheduler ended."""

from typing import Any

from ray.tune import Callback
from rich.console import Console

from raymeta.locations import without_options
from raymeta.report.run_results import load_run
from raymeta.runs.run_folders import is_run
from raymeta.runs.store_files import StoreFiles
from raymeta.sweeps.plan import SweepConfig
from raymeta.sweeps.results import is_finished
from raymeta.sweeps.stopped_trials import add_stopped


class SweepProgress(Callback):
    """A line for each iteration of each trial; SWEEP_DIR/stopped.json names the run folders that asha ended.

    Tune pickles its callbacks: no console and no open files are kept.
    """

    def __init__(self, sweep: SweepConfig) -> None:
        self._sweep = sweep

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any) -> None:
        """Tune has a trial's next iteration."""
        numbers = f"mIoU {100 * result['miou']:5.2f} %  cost_A {result['cost_a']:5.2f} %"
        self._say(f"{self._name(trial)} iteration {result['iteration']}: {numbers}")

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        """A trial failed; the others go on."""
        self._say(f"{self._name(trial)} failed: {_reason(trial.get_error())}")

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        """A trial ended, on its own or because the scheduler said so."""
        run = trial.config["run"]
        folder = run["run_dir"]
        if self._sweep.scheduler == "none" or not is_run(folder) or is_finished(load_run(folder), run["iterations"]):
            return
        add_stopped(StoreFiles(self._sweep.sweep_dir), folder)
        self._say(f"{self._name(trial)} ended by {self._sweep.scheduler}")

    def _name(self, trial: Any) -> str:
        folder = without_options(str(trial.config["run"]["run_dir"]))
        return folder.removeprefix(without_options(self._sweep.sweep_dir) + "/")

    def _say(self, text: str) -> None:
        Console().print(text, highlight=False, markup=False, soft_wrap=True)


def _reason(error: BaseException | None) -> str:
    """What the run said last: the message with which the raymeta command ends, else its last line."""
    lines = str(getattr(error, "cause", None) or error).strip().splitlines()
    start = next((index for index, line in enumerate(lines) if line.startswith("raymeta: ")), len(lines) - 1)
    return "\n".join(lines[start:]).removeprefix("raymeta: ")
