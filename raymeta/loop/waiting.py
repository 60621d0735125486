"""`raymeta run --wait`: look now and then whether people are done, while nothing else of the run is alive."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from raymeta.config import ExperimentConfig, absolute_paths
from raymeta.errors import WaitingForPeople
from raymeta.labels.answer_files import now
from raymeta.labels.task_leases import seconds_between
from raymeta.labels.waiting import are_enough
from raymeta.loop.people import label_store
from raymeta.runs.run_store import RunStore

FIRST_PAUSE_S: Final = 5.0
MAX_PAUSE_S: Final = 60.0
TOLD_EVERY_S: Final = 3600.0


def run_until_answered(
    config: ExperimentConfig,
    run: Callable[[], None],
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
    max_pause_s: float = MAX_PAUSE_S,
) -> None:
    """Run, and each time that it waits for people, run again once they are done. Workers and GPUs are free meanwhile.

    Args:
        config: of the run.
        run: runs or resumes it.
        say: gets a line when it waits, and each hour.
        sleep: pauses for so many seconds.
        max_pause_s: between two looks; they grow from FIRST_PAUSE_S, or from it where it is less.
    """
    while True:
        try:
            run()
        except WaitingForPeople as waiting:
            say(str(waiting))
        else:
            return
        wait_for_answers([config], say, sleep, max_pause_s)


def wait_for_answers(
    configs: Sequence[ExperimentConfig],
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
    max_pause_s: float = MAX_PAUSE_S,
) -> None:
    """Pause until people have answered enough for one of some runs to go on; arguments as `run_until_answered`."""
    pause, since_message = min(FIRST_PAUSE_S, max_pause_s), 0.0
    while not any(map(people_are_done, configs)):
        sleep(pause)
        since_message += pause
        if since_message >= TOLD_EVERY_S:
            say(f"{_last_heard(configs)}still waiting for people (Ctrl-C is safe: the same command goes on)")
            since_message = 0.0
        pause = min(2 * pause, max_pause_s)


def _last_heard(configs: Sequence[ExperimentConfig]) -> str:
    """`no answer for 8 h; `, by the newest answer of some runs; nothing where nobody has answered yet."""
    times = []
    for config in configs:
        store = RunStore(absolute_paths(config).run_dir)
        labels = label_store(config, store)
        answers = [labels.answers.of_set(name).values() for name in labels.sets.names()]
        times += [answer.time for of_set in answers for of_task in of_set for answer in of_task]
    if not times:
        return ""
    minutes = max(0.0, seconds_between(max(times), now()) / 60)  # another machine's clock may be ahead
    return f"no answer for {minutes / 60:.0f} h; " if minutes >= 90 else f"no answer for {minutes:.0f} min; "


def people_are_done(config: ExperimentConfig) -> bool:
    """Whether enough of every set that was handed out is answered."""
    store = RunStore(absolute_paths(config).run_dir)
    labels = label_store(config, store)
    return all(are_enough(labels.states(name), config.oracle.go_on_at) for name in labels.sets.names())
