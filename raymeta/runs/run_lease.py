"""One process at a time works in a run folder whose file system has no locks: leases that are renewed.

Each process writes a lease under a name of its own and then lists all: of two that begin at once at least one sees the
other, so never both go on, although object stores offer no "write unless it exists". No clocks are compared: a
lease is dead when it has not been renewed for LEASE_S seconds of the onlooker's own clock.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from raymeta.runs.run_lock import in_use
from raymeta.runs.store_files import RunError, StoreFiles

LEASES: Final = "leases"
LEASE_S: Final = 30.0
RENEW_S: Final = 5.0


FRESH_S: Final = 60.0
"""Age up to which a lease tells an onlooker of a living process: the clocks of two machines differ a little."""


@dataclass(frozen=True)
class SeenLease:
    """A lease as somebody sees it who holds none. who: the process, in words. age_s: since it was renewed."""

    who: str
    age_s: float

    @property
    def is_fresh(self) -> bool:
        """Whether its process lives, as far as a look can tell."""
        return self.age_s <= FRESH_S


def newest_lease(files: StoreFiles) -> SeenLease | None:
    """The lease that was renewed last; None without one whose process may live.

    Raises:
        RunError: the storage can't be read.
    """
    found = list[SeenLease]()
    for name in files.files(LEASES):
        data, age_s = files.read(f"{LEASES}/{name}"), files.age_s(f"{LEASES}/{name}")
        if data is None or age_s is None or _is_dead_here(data):
            continue
        try:
            lease = json.loads(data)
            found.append(SeenLease(f"process {int(lease['pid'])} on {lease['host']}", age_s))
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return min(found, key=lambda lease: lease.age_s, default=None)


class RunLease:
    """This process's lease on a run folder."""

    def __init__(self, files: StoreFiles, lease_s: float = LEASE_S, renew_s: float = RENEW_S) -> None:
        self._files = files
        self._lease_s = lease_s
        self._renew_s = renew_s
        self._name = f"{LEASES}/{uuid.uuid4().hex}.json"
        self._since = datetime.now(UTC).isoformat(timespec="seconds")
        self._beat = 0
        self._renewed = time.monotonic()
        self._lost = False
        self._stop = threading.Event()

    @contextmanager
    def hold(self, say: Callable[[str], None] = print) -> Iterator[None]:
        """Hold the folder while the block runs; every write in it first asks `check`.

        say: gets a line when there is a lease whose owner may be dead, and it takes LEASE_S to see.

        Raises:
            RunError: another live process holds the folder, or it can't be written.
        """
        self._renew()
        renewing = threading.Thread(target=self._keep_renewing, name="run-lease", daemon=True)
        renewing.start()
        try:
            self._wait_for_others(say)
            self._files.guard = self.check
            yield
        finally:
            self._files.guard = None
            self._stop.set()
            renewing.join()
            self._files.delete(self._name)

    def check(self) -> None:
        """Raise RunError unless this process still holds the folder: it may have been asleep, or cut off."""
        if not self._lost and time.monotonic() - self._renewed > self._lease_s:
            self._renew_if_there()
        if self._lost:
            raise RunError(
                f"run folder {self._files.root} was taken over by another process while this one was suspended or cut "
                "off: nothing more is written; look for the other process before you run again"
            )

    def _wait_for_others(self, say: Callable[[str], None]) -> None:
        """Return once no other lease is left; dead ones are removed."""
        first_seen: dict[str, tuple[bytes, float]] = {}
        said = False
        while True:
            others = self._others()
            if not others:
                self.check()
                return
            for name, data in others.items():
                seen, when = first_seen.setdefault(name, (data, time.monotonic()))
                if _is_dead_here(data) or (seen == data and time.monotonic() - when > self._lease_s):
                    self._files.delete(name)
                elif seen != data:
                    raise RunError(in_use(self._files.root, data))
            if not said and self._others():
                said = True
                say(f"{in_use(self._files.root, next(iter(others.values())))}; looking whether it is alive")
            self._stop.wait(min(1.0, self._renew_s / 4))

    def _others(self) -> dict[str, bytes]:
        names = [f"{LEASES}/{name}" for name in self._files.files(LEASES)]
        leases = {name: self._files.read(name) for name in names if name != self._name}
        return {name: data for name, data in leases.items() if data is not None}

    def _keep_renewing(self) -> None:
        while not self._stop.wait(self._renew_s):
            try:
                self._renew_if_there()
            except RunError:
                continue  # the store doesn't answer: `check` tells, once the lease is too old
            if self._lost:
                return

    def _renew_if_there(self) -> None:
        if self._files.size(self._name) is None:
            self._lost = True
        else:
            self._renew()

    def _renew(self) -> None:
        lease = _holder() | {"since": self._since, "beat": self._beat}
        began = time.monotonic()
        self._files.write_unguarded(self._name, (json.dumps(lease) + "\n").encode())
        self._beat += 1
        self._renewed = began


def _holder() -> dict[str, Any]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "machine": _machine()}


def _machine() -> str | None:
    """What tells this boot of this machine, and its view of process numbers, from all others; None if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


def _is_dead_here(data: bytes) -> bool:
    """Whether a lease's process lived on this machine and has ended."""
    try:
        lease = json.loads(data)
        machine, pid = lease["machine"], int(lease["pid"])
        return bool(machine is not None and machine == _machine() and not Path(f"/proc/{pid}").exists())
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return False
