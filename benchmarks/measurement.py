"""How a stage is measured: interleaved with a reference operation, medians of repeats, peak memory."""

import ctypes
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

MIB = 1 << 20


@dataclass(frozen=True)
class Measurement:
    """One row of the table.

    seconds: median. ratio: to the median of the reference operation, measured in between. peak_mib: highest resident
    memory while it ran, above that before. target: what the project asks for, as text.
    """

    stage: str
    size: str
    seconds: float
    ratio: float | None = None
    peak_mib: float | None = None
    target: str = ""
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Bench:
    """Measures stages against one reference operation."""

    def __init__(self, reference: Callable[[], object], repeats: int) -> None:
        self._reference = reference
        self._repeats = repeats
        self.rows: list[Measurement] = []

    def measure(
        self,
        stage: str,
        size: str,
        work: Callable[[], Any],
        target: str = "",
        note: str = "",
        repeats: int | None = None,
    ) -> Any:
        """Run `work` once to warm up, then in turn with the reference; returns its result."""
        result = work()
        seconds, reference = [], []
        for _ in range(repeats or self._repeats):
            reference.append(timed(self._reference))
            seconds.append(timed(work))
        median = statistics.median(seconds)
        ratio = median / statistics.median(reference)
        self.rows.append(Measurement(stage, size, median, ratio, peak_mib(work), target, note))
        return result


def timed(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def device_seconds(work: Callable[[], object], device: "torch.device", *, warm_ups: int, repeats: int) -> float:
    """Median seconds of a call, from an idle device to an idle device."""
    for _ in range(warm_ups):
        work()
    taken = []
    for _ in range(repeats):
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _wait(device: "torch.device") -> None:
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize(device)


def rss_mib() -> float:
    """Resident memory of this process."""
    return _status_kib("VmRSS") / 1024


def peak_mib(work: Callable[[], object]) -> float | None:
    """Highest resident memory during one call, above that before; None where the system doesn't tell."""
    try:
        ctypes.CDLL(None).malloc_trim(0)  # what earlier calls have freed would hide what this one takes
        Path("/proc/self/clear_refs").write_text("5")  # 5: the peak starts anew
        before = rss_mib()
    except (OSError, AttributeError):  # no Linux, or no glibc
        return None
    work()
    return max(0.0, _status_kib("VmHWM") / 1024 - before)


def _status_kib(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise OSError(f"/proc/self/status has no {name}: resident memory can only be read on Linux")
