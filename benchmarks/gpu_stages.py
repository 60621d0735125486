"""The stages that stay on a GPU; nothing where there is none."""

import statistics
import time
from collections.abc import Callable

import torch

from benchmarks.image_stages import FULL_SIZE, QUICK_SIZE
from benchmarks.inputs import smooth_softmax
from benchmarks.measurement import Measurement
from raymeta.metaseg.device_scan import DeviceScan
from raymeta.metaseg.heatmaps import METASEG_LOG_OFFSET
from raymeta.metaseg.segment_metrics import segment_metrics
from raymeta.metaseg.segments import find_segments


def measure_gpu(quick: bool) -> list[Measurement]:
    """Scan, sums, and the whole metrics of a softmax that lies on the GPU."""
    if not torch.cuda.is_available():
        return []
    size = QUICK_SIZE if quick else FULL_SIZE
    shape = "×".join(map(str, size))
    softmax = torch.from_numpy(smooth_softmax(*size)).cuda()
    scan = DeviceScan(softmax, METASEG_LOG_OFFSET)
    segments = find_segments(scan.prediction)
    stages: dict[str, Callable[[], object]] = {
        "GPU: dispersion + arg-max": lambda: DeviceScan(softmax, METASEG_LOG_OFFSET),
        "GPU: sums over segments": lambda: scan.segment_sums(segments),
        "GPU: segment_metrics, pool": lambda: segment_metrics(softmax),
    }
    note = torch.cuda.get_device_name()
    return [Measurement(name, shape, _seconds(work), note=note) for name, work in stages.items()]


def _seconds(work: Callable[[], object]) -> float:
    work()
    taken = []
    for _ in range(9):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
