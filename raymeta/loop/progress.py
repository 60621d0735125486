"""Live progress of a run in the terminal: stage, epoch, images/s, mIoU, cost so far, time left."""

import logging
import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from raymeta.annotation.cost_models import COST_A
from raymeta.config import ASKED_ONE, Asked
from raymeta.locations import hide_secrets
from raymeta.loop.workers import TrainingProgress
from raymeta.quantities import quantity
from raymeta.runs.forecast import Forecast
from raymeta.runs.records import SummaryRecord

LOG: Final = logging.getLogger(__name__)
STAGE_TEXT = {
    "start": "start workers",
    "clicks": "count clicks of the pool",
    "held_out_clicks": "count clicks of validation",
    "train": "train network",
    "fit": "fit meta regressor",
    "sample": "sample clicks",
    "classes": "count pixels of classes",
    "score": "score pool",
    "annotate": "ask for labels",
    "test": "judge on the test split",
}


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class RunProgress:
    """A bar for the current stage and a line for each finished iteration.

    Without a terminal (a pipe, a log file) each stage and each epoch gets a line, with its time and rate.
    """

    def __init__(self, name: str, iterations: int, console: Console | None = None, asked: Asked = "boxes") -> None:
        self.console = console or Console()
        self.name = name
        self._asked = asked
        self.iterations = iterations
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("[bold]{task.fields[where]}[/]"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, where=name, detail="")
        self._iteration = 0
        self._resumed = False
        self._done = 0
        self._began = time.monotonic()
        self._stage_began = self._began
        self._iteration_seconds: list[float] = []
        self._iteration_began = self._began
        self._status = ""
        self._stage: str | None = None
        self._epoch: int | None = None
        self._epoch_began = self._began

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._end_stage()
        self._bar.stop()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        LOG.info("%s", text)
        self._bar.console.print(hide_secrets(text), highlight=False, markup=False, soft_wrap=True)

    def stopping(self) -> None:
        """Ctrl-C was heard: workers take their time to end."""
        self.say(f"{self._where} stopping")

    def _tell(self, text: str) -> None:
        """A line where no bar is seen, and in the log in any case."""
        if self.console.is_terminal:
            LOG.info("%s %s", self._where, text)
        else:
            self.say(f"{self._where} {text}")

    @property
    def _where(self) -> str:
        return f"{self.name} {self._iteration + 1}/{self.iterations}:"

    @property
    def _counted(self) -> tuple[str, str]:
        """What the current stage counts: one of them, and several."""
        if self._stage == STAGE_TEXT["annotate"]:
            return ASKED_ONE[self._asked], self._asked
        return "image", "images"

    def _end_stage(self) -> None:
        if self._stage is None:
            return
        seconds = time.monotonic() - self._stage_began
        one, many = self._counted
        counted = quantity(self._done, one, many)
        rate = f", {counted}, {self._done / max(1e-6, seconds):.1f} {many}/s" if self._done else ""
        self._tell(f"{self._stage}: {seconds:.1f} s{rate}")
        self._stage = None

    def begin_iteration(self, iteration: int, *, resumed: bool = False) -> None:
        """An iteration starts, or goes on where it stopped: then its time says nothing about the others."""
        self._iteration = iteration
        self._resumed = resumed
        self._iteration_began = time.monotonic()

    def begin_stage(self, stage: str, total: int | None = None) -> None:
        """A stage starts; `total` in images, or in boxes, points or segments where they are asked for."""
        self._end_stage()
        self._done = 0
        self._epoch = None
        self._stage_began = time.monotonic()
        where = f"{self.name} {self._iteration + 1}/{self.iterations}"
        text = STAGE_TEXT.get(stage, stage)
        self._stage = text
        self._tell(f"{text} …")
        self._bar.update(self._task, description=text, total=total, completed=0, where=where, detail=self._status)

    def advance(self, count: int) -> None:
        """Images of the current stage, or boxes, points or segments, are done."""
        self._done += count
        rate = self._done / max(1e-6, time.monotonic() - self._stage_began)
        self._bar.update(self._task, completed=self._done, detail=f"{rate:.1f} {self._counted[1]}/s{self._status}")

    def training(self, state: TrainingProgress) -> None:
        """What the training worker reported last."""
        epoch, of = state.epoch, state.max_epochs
        miou = state.validation_miou
        shown = "" if miou is None else f"  mIoU {100 * miou:.1f} %"
        self._tell_epoch(state, shown)
        self._bar.update(
            self._task,
            total=of,
            completed=epoch + (state.step / state.steps if state.steps else 0),
            detail=f"epoch {min(epoch + 1, of)}/{of} step {state.step}/{state.steps}{shown}{self._status}",
        )

    def _tell_epoch(self, state: TrainingProgress, shown: str) -> None:
        """A line for each epoch that ends, and one where a training goes on amid its epochs."""
        now, epoch = time.monotonic(), state.epoch
        if self._epoch is None:
            self._epoch, self._epoch_began = state.first_epoch, self._stage_began
            if state.first_epoch:
                self._resumed = True
                self._tell(f"resuming at epoch {state.first_epoch + 1}")
        if epoch > self._epoch:
            seconds = (now - self._epoch_began) / (epoch - self._epoch)
            self._tell(f"epoch {epoch}/{state.max_epochs}{shown}  {seconds:.1f} s")
            self._epoch, self._epoch_began = epoch, now

    def finish_iteration(self, summary: SummaryRecord, expected: Forecast | None = None) -> None:
        """Print what an iteration gave, what the next clicks would bring, and estimate the time left."""
        self._end_stage()
        left = self._time_left()
        miou = f"mIoU {100 * summary.miou:5.2f} %"
        if summary.test_miou is not None:
            miou += f" (test {100 * summary.test_miou:.2f} %)"
        spent = summary.cost(COST_A)
        cost = "" if spent is None else f"{COST_A.label} {spent.value:5.2f} %"
        self._status = f"  {miou}  {cost}{left}"
        r2 = "" if summary.r2 is None else f"  R² {summary.r2:.2f}"
        queried = quantity(summary.query_boxes, ASKED_ONE[self._asked], self._asked)
        where = f"{self.name} iteration {self._iteration + 1}/{self.iterations}"
        self.say(f"{where}: {miou}  {cost}  {queried} queried{r2}{left}")
        if expected is not None:
            self.say(f"{self.name}: {expected.text}")

    def _time_left(self) -> str:
        """Time of this iteration, and what is left by the mean of those that were seen from their start on."""
        if self._resumed:
            done = ""
        else:
            self._iteration_seconds.append(time.monotonic() - self._iteration_began)
            done = f"  {_duration(self._iteration_seconds[-1])}"
        more = self.iterations - self._iteration - 1
        if not more or not self._iteration_seconds:
            return done
        left = more * sum(self._iteration_seconds) / len(self._iteration_seconds)
        return f"{done}  about {_duration(left)} left"
