"""The one rule how a Ray cluster is reached: the one that is named, else a local one."""

import atexit
import errno
import logging
import os
import secrets
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import ray

import raymeta
from raymeta.cluster.local_processes import end_leftovers, session_folder, session_processes
from raymeta.doctor import home_faults, memory_faults, socket_path_faults
from raymeta.errors import InputError, RunFailedError
from raymeta.local_files import in_submitted_job

LOG: Final = logging.getLogger(__name__)
TOKEN_VARIABLES: Final = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
TOKEN_FILE: Final = Path("~/.ray/auth_token")
LOCAL_CPUS = 4
"""Logical CPUs of a local Ray: actors that wait hold a share of one; 4 start few processes even on 2 cores."""


TOO_LATE: Final = "timed out during startup"
"""What Ray says where it doesn't come up in time."""
START_ATTEMPTS: Final = 3
SESSIONS: Final = "/ray/session_"
"""In the command lines of Ray's own processes."""


class ConnectionFailedError(InputError):
    """The named cluster can't be reached."""


def _start_local() -> None:
    """Start a Ray on this machine; on a busy one that may take several attempts.

    Ray 2.60's raylet ends itself where its agent, a process of Python, tells no port within 15 s, and `ray.init` gives
    up 15 s later. There is no setting for either.
    """
    for attempt in range(1, START_ATTEMPTS + 1):
        try:
            ray.init(
                address="local",
                num_cpus=max(LOCAL_CPUS, os.cpu_count() or 1),
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env=_quoted_python(),
            )
        except Exception as error:  # Ray raises plain Exception here
            if attempt == START_ATTEMPTS or TOO_LATE not in str(error):
                raise
            LOG.info("Ray didn't come up in time: starting it once more")
            ray.shutdown()
            # What is left of it would take from the next attempt what that one lacked.
            end_leftovers(session_processes(SESSIONS), patience_s=0)
        else:
            return


def quiet_environment() -> None:
    """Settings that Ray reads once, when it is imported or started; what the user has set stays."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Threads that spin while they wait starve the other workers of a small machine: epochs took ten times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Ray Train's loop runs in a thread: in an arena of its own freed memory goes back to the system with each step.
    os.environ.setdefault("MALLOC_ARENA_MAX", "1")
    # Ray's metrics, which nobody reads from a local Ray, grow with each pass of Ray Data, in its actor and Ray's agent;
    # its record of every task grows in its head process.
    os.environ.setdefault("RAY_enable_metrics_collection", "0")
    os.environ.setdefault("RAY_task_events_report_interval_ms", "0")
    os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.5")


def cluster_address(address: str | None) -> str | None:
    """Address to connect to, or None for a local Ray: `address`, else RAY_ADDRESS; "local" forces a local one."""
    chosen = address or os.environ.get("RAY_ADDRESS") or None
    return None if chosen == "local" else chosen


@contextmanager
def ray_connection(address: str | None = None) -> Iterator[None]:
    """Connect to the cluster of `address` or RAY_ADDRESS, else start a local Ray; disconnect at the end.

    Raises:
        ConnectionFailedError: no cluster answers at the address.
        RunFailedError: the local Ray doesn't start.
    """
    quiet_environment()
    chosen = cluster_address(address)
    if ray.is_initialized():
        yield
        return
    _home_of_this_process()
    LOG.info("starting Ray" if chosen is None else "connecting to Ray at %s", *([] if chosen is None else [chosen]))
    try:
        if chosen is None:
            _token_of_this_process()
            # It watches for machines that are taken away: a process, and two seconds of a start, for nothing here.
            os.environ.setdefault("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")
            # "local" and not None: an address file that a killed cluster left behind would be taken for a cluster.
            _start_local()
        else:
            _send_token()
            reached = ray.init(
                address=chosen, log_to_driver=False, logging_level=logging.ERROR, runtime_env=_runtime_env()
            )
            if reached.dashboard_url:
                print(f"Ray's dashboard: http://{reached.dashboard_url}", flush=True)
    except Exception as error:  # Ray raises plain Exception where a node doesn't come up in time
        if chosen is None:
            raise RunFailedError(f"Ray didn't start on this machine: {error}; {start_remedy(error)}") from error
        raise ConnectionFailedError(
            f"no Ray cluster answers at {chosen}: {error}; start one with `ray start --head`, give the cluster's token "
            "where it asks for one (RAY_AUTH_TOKEN), or leave out --address and RAY_ADDRESS to use a local one"
        ) from error
    session = session_folder() if chosen is None else None
    try:
        yield
    finally:
        started = session_processes(session) if session else {}
        ray.shutdown()
        end_leftovers(started)


def _has_token() -> bool:
    return any(os.environ.get(name) for name in TOKEN_VARIABLES) or TOKEN_FILE.expanduser().is_file()


def _home_of_this_process() -> None:
    """Give a user whom nobody knows, and who has no HOME, a temporary one: Ray Train can't be imported without."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = home = tempfile.mkdtemp(prefix="raymeta-home-")
        atexit.register(shutil.rmtree, home, ignore_errors=True)


def _token_of_this_process() -> None:
    """Give a local Ray a token of its own: Ray would leave one in HOME, and all later Ray commands would ask for it."""
    if "RAY_AUTH_MODE" not in os.environ and not _has_token():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _send_token() -> None:
    """Send the token that is there, as Ray itself does only to clusters that it finds on its own."""
    if "RAY_AUTH_MODE" in os.environ or not _has_token():
        return
    try:
        from ray._private.authentication import authentication_token_setup
    except ImportError:  # before 2.60
        return
    logging.getLogger(authentication_token_setup.__name__).setLevel(logging.ERROR)
    authentication_token_setup.maybe_enable_token_auth_if_token_available(warn_if_disabled=False)


def start_remedy(error: Exception) -> str:
    """What helps where a local Ray doesn't start, by what it said and what the machine looks like."""
    text = str(error)
    if "AF_UNIX path length" in text or "socket path" in text.lower():
        return next(iter(socket_path_faults()), "set RAY_TMPDIR to a short folder, as in RAY_TMPDIR=/tmp")
    if isinstance(error, PermissionError) or "Permission denied" in text:
        return next(
            iter(home_faults()), "correct the permissions of that place, or set RAY_TMPDIR to a folder of yours"
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "free space there, or set RAY_TMPDIR to another folder"
    return next(
        iter(memory_faults()), "`raymeta doctor` looks for the cause; Ray's own log is in /tmp/ray/session_latest"
    )


def _runtime_env() -> dict[str, object] | None:
    """Ship this package to a cluster, unless a submitted job has brought it already."""
    if in_submitted_job():
        return None
    return {"py_modules": [str(Path(raymeta.__file__).parent)], **_quoted_python()}


def _quoted_python() -> dict[str, object]:
    """Ray starts its workers by a shell and doesn't quote Python's path, which may hold a space."""
    quoted = shlex.quote(sys.executable)
    return {} if quoted == sys.executable else {"py_executable": quoted}


def cluster_gpus() -> int:
    """GPUs of the connected cluster."""
    return int(ray.cluster_resources().get("GPU", 0))
