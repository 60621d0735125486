"""Tells people, by a command or a webhook, that a run needs them or that it ended."""

import json
import os
import re
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, TypedDict

from raymeta import __version__
from raymeta.config import ExperimentConfig, NotifyConfig, NotifyEvent
from raymeta.errors import InputError, WaitingForPeople, end_of
from raymeta.locations import hide_secrets
from raymeta.runs.run_state import planned_iterations, run_state
from raymeta.runs.run_status import last_numbers
from raymeta.runs.run_store import RunStore

MAX_TEXT: Final = 3000
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@contextmanager
def notifying(config: ExperimentConfig, say: Callable[[str], None]) -> Iterator[None]:
    """Tell how the block ends: that people are needed, or that it failed; Ctrl-C needs no telling.

    An unchanged wish of people is told once, however often the run is started while they label.
    """
    waited_for = _waited_for(config)
    try:
        yield
    except WaitingForPeople as waiting:
        if str(waiting) != waited_for:
            notify(config, "waits", str(waiting), say)
        raise
    except Exception as error:
        notify(config, "failed", end_of(error)[1].strip().splitlines()[-1], say)
        raise


def notify(config: ExperimentConfig, event: NotifyEvent, text: str, say: Callable[[str], None]) -> None:
    """Tell of an event, where the config asks for it; whatever fails is said and changes nothing.

    Args:
        config: of the run, with whom to tell.
        event: what happened.
        text: the same in words.
        say: gets a line where nobody could be told.
    """
    wanted = config.notify
    if event not in wanted.events or not (wanted.command or wanted.webhook):
        return
    body = json.dumps(message(config, event, hide_secrets(text))).encode()
    faults: list[str] = []
    ways = [way for way, used in ((_run_command, wanted.command), (_call_webhook, wanted.webhook)) if used]
    threads = [threading.Thread(target=_try, args=(way, wanted, body, faults), daemon=True) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(wanted.timeout_s + 1)
    if any(thread.is_alive() for thread in threads):
        faults.append(f"no answer within {wanted.timeout_s:g} s")
    for fault in faults:
        say(f"notify: {fault}; so it couldn't be told there that the run {event}")


class Message(TypedDict):
    """What a command reads and a webhook gets, as JSON."""

    event: NotifyEvent
    text: str
    run: str
    strategy: str
    seed: int
    iteration: int
    iterations: int
    miou: float | None
    cost_a: float | None
    host: str
    time: str
    raymeta: str


def message(config: ExperimentConfig, event: NotifyEvent, text: str) -> Message:
    """What is told: numbers are those of the last finished iteration, in percent, or None."""
    store = RunStore(config.run_dir)
    strategy = config.acquisition.strategy
    done = sum(store.iteration(index).fingerprint("summary") is not None for index in store.iterations())
    last = last_numbers(store, done)
    where = hide_secrets(store.location)
    return {
        "event": event,
        "text": f"{where} {event}: {text}"[:MAX_TEXT],
        "run": where,
        "strategy": strategy,
        "seed": config.seed,
        "iteration": done,
        "iterations": planned_iterations(strategy, config.iterations),
        "miou": last.miou,
        "cost_a": last.cost_a,
        "host": socket.gethostname(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "raymeta": __version__,
    }


def finished_text(config: ExperimentConfig) -> str:
    """How a finished run ended, in words."""
    dry = run_state(RunStore(config.run_dir), config) == "dry"
    return "the pool is dry: no box with a positive score is left" if dry else "all iterations are done"


def _waited_for(config: ExperimentConfig) -> str | None:
    try:
        return RunStore(config.run_dir).read_waiting()
    except (InputError, OSError):
        return None


def _try(way: Callable[[NotifyConfig, bytes], None], wanted: NotifyConfig, body: bytes, faults: list[str]) -> None:
    try:
        way(wanted, body)
    except subprocess.TimeoutExpired:
        faults.append(f"{wanted.command[0]} took longer than {wanted.timeout_s:g} s and was ended")
    except subprocess.CalledProcessError as error:
        faults.append(f"{wanted.command[0]} ended with exit code {error.returncode}")
    except Exception as error:  # wrong names, no network, refusals: none of it may end the run
        # An error of urllib may hold the URL, and a webhook's URL is a secret.
        secret = _with_variables(wanted.webhook or "", missing="")
        faults.append(f"{type(error).__name__}: {error}".replace(secret or "\0", "…"))


def _run_command(wanted: NotifyConfig, body: bytes) -> None:
    subprocess.run(
        wanted.command,
        input=body + b"\n",  # a shell's `read` takes a line without an end for a failure
        timeout=wanted.timeout_s,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _call_webhook(wanted: NotifyConfig, body: bytes) -> None:
    url = _with_variables(wanted.webhook or "")
    if not url.startswith(("https://", "http://")):
        raise InputError("webhook isn't a URL: begin it with https:// or http://")
    headers = {"Content-Type": "application/json", "User-Agent": f"raymeta/{__version__}"}
    for header in wanted.headers:
        name, _, value = header.partition(":")
        headers[name] = _with_variables(value.strip())
    request = urllib.request.Request(url, body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=wanted.timeout_s) as answer:
        answer.read(1)


def _with_variables(text: str, missing: str | None = None) -> str:
    """The text with the values of the environment. missing: for variables that aren't set; None refuses them."""

    def value(found: re.Match[str]) -> str:
        known = os.environ.get(found[1], missing)
        if known is None:
            raise InputError(f"the environment variable {found[1]} isn't set: set it where the run is started")
        return known

    return _VARIABLE.sub(value, text)
