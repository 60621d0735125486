"""What a machine offers to raymeta: versions, devices, memory, ports, folders; and what of it will stop a run."""

import importlib
import importlib.metadata
import os
import platform
import shlex
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from raymeta import __version__

PACKAGES: Final = ("torch", "ray", "numpy", "numba", "pyarrow", "catboost", "opencv-python", "fastapi", "pydantic")
MODULES: Final = {
    "torch": "torch",
    "numpy": "numpy",
    "numba": "numba",
    "pyarrow": "pyarrow",
    "catboost": "catboost",
    "opencv-python": "cv2",
    "pydantic": "pydantic",
}
"""What a run imports, by package; OpenCV's comes with opencv-python-headless too."""
SERVICE_PORT: Final = 8000
MAX_SOCKET_PATH: Final = 107
"""Bytes of the path of a Unix socket."""
RAY_SOCKET_TAIL: Final = "/ray/session_2026-01-01_00-00-00_000000_0000000/sockets/plasma_store"
MIN_MEMORY_GB: Final = 2.0
MIN_SHARED_MEMORY_MB: Final = 60.0
MIN_DISK_GB: Final = 1.0


def examine() -> tuple[list[str], list[str]]:
    """Facts about this machine, one line each, and what is wrong with it, with the remedy."""
    facts = [f"raymeta {__version__}, Python {platform.python_version()}, {platform.platform()}", *_packages()]
    facts += [*_devices(), *_memory(), *_folders(), *_ports(), *_ray()]
    return facts, [*socket_path_faults(), *memory_faults(), *_package_faults()]


def _packages() -> Iterator[str]:
    found = [f"{name} {version}" for name in PACKAGES if (version := _version(name)) is not None]
    yield ", ".join(found)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _package_faults() -> Iterator[str]:
    """A package may be there and not fit the others, or lack a library of the system: only importing it tells."""
    for name, module in MODULES.items():
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name == module:
                yield f"{name} is not installed: install raymeta anew"
            else:
                yield _not_importable(name, error)
        except Exception as error:  # what extension modules raise is theirs to choose
            yield _not_importable(name, error)
    if _version("ray") is None:
        yield "ray is not installed: only `--local` runs work"


def _not_importable(name: str, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return (
        f"{name} {_version(name) or ''} can't be imported: {reason}; install the version that constraints.txt names, "
        "or what of the system it asks for"
    )


def _devices() -> Iterator[str]:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        import torch

        gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    except (ImportError, OSError, RuntimeError) as error:
        yield f"{cpus} CPUs; torch can't be asked for GPUs: {error}"
        return
    yield f"{cpus} CPUs, {len(gpus)} GPUs" + (f": {', '.join(gpus)}" if gpus else "")


def _memory() -> Iterator[str]:
    free = free_memory_gb()
    if free is not None:
        yield f"memory: {free:.1f} GiB free"
    if Path("/dev/shm").is_dir():
        yield f"/dev/shm: {shutil.disk_usage('/dev/shm').free / 2**20:.0f} MiB free"


def free_memory_gb() -> float | None:
    """GiB that processes can still take; None where the system doesn't tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return found[0] / 2**20 if found else None


def memory_faults() -> Iterator[str]:
    """Where memory or the temporary folder has little room left."""
    free = free_memory_gb()
    if free is not None and free < MIN_MEMORY_GB:
        yield f"only {free:.1f} GiB of memory are free: end other programs; Ray and a worker take about 2 GiB"
    disk = shutil.disk_usage(tempfile.gettempdir()).free / 2**30
    if disk < MIN_DISK_GB:
        yield f"only {disk:.1f} GiB are free in {tempfile.gettempdir()}: free some, or set TMPDIR to another folder"


def _folders() -> Iterator[str]:
    # A read-only HOME, as in a container, does no harm: a local Ray gets its token from the process that starts it.
    home = Path.home()
    writable = "" if os.access(home, os.W_OK) else " (can't be written)"
    yield f"HOME {home}{writable}, temporary files in {tempfile.gettempdir()}"


def home_faults() -> Iterator[str]:
    """Where HOME can't be written, told where Ray was refused a place: `ray start` keeps its token there."""
    home = Path.home()
    if not os.access(home, os.W_OK):
        yield f"HOME {home} can't be written: set HOME to a folder that can; Ray keeps a token there"


def socket_path_faults() -> Iterator[str]:
    """Where the sockets of a local Ray would get too long a path."""
    folder = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    length = len(os.fsencode(folder + RAY_SOCKET_TAIL))
    if length > MAX_SOCKET_PATH:
        yield (
            f"the temporary folder {folder} is too long for Ray's sockets ({length} of {MAX_SOCKET_PATH} bytes): "
            "set RAY_TMPDIR, or TMPDIR, to a short folder, as in RAY_TMPDIR=/tmp"
        )


def _ports() -> Iterator[str]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", SERVICE_PORT))
        except OSError:
            yield f"port {SERVICE_PORT} is taken: give `raymeta serve` another --port"
        else:
            yield f"port {SERVICE_PORT} is free for `raymeta serve`"


def _ray() -> Iterator[str]:
    address = os.environ.get("RAY_ADDRESS")
    yield f"Ray: RAY_ADDRESS {address}" if address else "Ray: no RAY_ADDRESS, so a local one is started"
    mode = os.environ.get("RAY_AUTH_MODE")
    token = (Path.home() / ".ray/auth_token").is_file() or "RAY_AUTH_TOKEN" in os.environ
    if shlex.quote(sys.executable) != sys.executable:
        yield (
            f"Ray: a shell would split or change the path of this Python, {sys.executable}: runs work, but clusters "
            "that `ray start` makes from it can't start submitted jobs; use an environment in a plain path for them"
        )
    yield f"Ray's token: {'there' if token else 'none yet'}, RAY_AUTH_MODE {mode or 'not set'}"
