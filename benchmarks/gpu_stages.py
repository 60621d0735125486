"""The stages that stay on a GPU."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import torch

from benchmarks.image_stages import FULL_SIZE, QUICK_SIZE
from benchmarks.inputs import smooth_softmax
from benchmarks.measurement import Measurement, device_seconds
from raymeta.metaseg.device_scan import DeviceScan
from raymeta.metaseg.heatmaps import METASEG_LOG_OFFSET
from raymeta.metaseg.segment_metrics import segment_metrics
from raymeta.metaseg.segments import find_segments

TARGET_MS: Final = 10


def measure_gpu(quick: bool) -> list[Measurement]:
    """The stages on the GPU; nothing where there is none."""
    return measure_metrics(torch.device("cuda"), quick) if torch.cuda.is_available() else []


def measure_metrics(device: torch.device, quick: bool) -> list[Measurement]:
    """Scan, sums, and the whole metrics of a softmax that lies on the device."""
    size = QUICK_SIZE if quick else FULL_SIZE
    shape = "×".join(map(str, size))
    softmax = torch.from_numpy(smooth_softmax(*size)).to(device)
    scan = DeviceScan(softmax, METASEG_LOG_OFFSET)
    segments = find_segments(scan.prediction)
    stages: dict[str, Callable[[], object]] = {
        "GPU: dispersion + arg-max": lambda: DeviceScan(softmax, METASEG_LOG_OFFSET),
        "GPU: segments + boundary": lambda: find_segments(scan.prediction),
        "GPU: sums over segments": lambda: scan.segment_sums(segments),
        "GPU: segment_metrics, pool": lambda: segment_metrics(softmax),
    }
    note = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    taken = {name: device_seconds(work, device, warm_ups=1, repeats=9) for name, work in stages.items()}
    rows = [Measurement(name, shape, seconds, note=note) for name, seconds in taken.items()]
    return [*rows[:-1], replace(rows[-1], target=f"≤ {TARGET_MS} ms")]
