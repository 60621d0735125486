"""What a GPU gives, in one run of at most 8 minutes, without Ray or CatBoost; figures are written part by part."""

import argparse
import json
import platform
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch

from benchmarks.gpu_network import measure_network
from benchmarks.gpu_pool import measure_gpu_pool
from benchmarks.gpu_stages import measure_metrics
from benchmarks.gpu_study import measure_study
from benchmarks.measurement import Measurement

ROOT: Final = Path(__file__).parent.parent
PARTS: Final[dict[str, Callable[[torch.device, bool], list[Measurement]]]] = {
    "metrics": measure_metrics,
    "pool": measure_gpu_pool,
    "network": measure_network,
    "study": measure_study,
}
TESTS_S: Final = 120
FORBIDDEN: Final = ("ray", "catboost")
"""What a machine lent for minutes need not have; a part that imports one of them fails."""


def main(arguments: list[str] | None = None) -> int:
    """Measure the parts one after the other, as far as the time reaches; 1 where one failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_run", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join((*PARTS, 'tests'))}; default: all")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"), help="folder for gpu.json, default %(default)s")
    parser.add_argument("--device", default="cuda", help="as torch names it, default %(default)s")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs, not how fast")
    parser.add_argument("--minutes", type=float, default=8.0, help="no part begins after this, default %(default)s")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.parts if name not in (*PARTS, "tests")]
    if unknown:
        parser.error(f"part {unknown[0]!r} is unknown: choose of {', '.join((*PARTS, 'tests'))}")
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        parser.error("no CUDA device is seen: give --device cpu --quick to try the script")
    if device.type == "cpu":
        torch.set_num_threads(1)  # a trial on a busy machine: threads that spin would starve each other
    for name in FORBIDDEN:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # importing it fails from now on
    options.out.mkdir(parents=True, exist_ok=True)
    return _measure(options, device)


def _measure(options: argparse.Namespace, device: torch.device) -> int:
    began = time.monotonic()
    content: dict[str, Any] = {"machine": _machine(device), "quick": options.quick, "rows": [], "parts": {}}
    for name in options.parts or (*PARTS, "tests"):
        start, rows = time.monotonic(), list[Measurement]()
        if start - began > 60 * options.minutes:
            content["parts"][name] = "left out: no time left"
        else:
            try:
                rows = _tests(device) if name == "tests" else PARTS[name](device, options.quick)
                content["parts"][name] = f"{time.monotonic() - start:.1f} s"
            except Exception as error:  # the figures of the other parts are worth having
                traceback.print_exc()
                content["parts"][name] = f"failed: {type(error).__name__}: {error}"
        content["rows"] += [row.as_dict() for row in rows]
        print("\n".join([f"== {name}: {content['parts'][name]}", *map(_line, rows)]), flush=True)
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        (options.out / "gpu.json").write_text(text, encoding="utf-8")
    return 1 if any(text.startswith("failed") for text in content["parts"].values()) else 0


def _line(row: Measurement) -> str:
    """One row of the table."""
    number = f"{1000 * row.seconds:.2f} ms" if row.seconds else ""
    ratio = "" if row.ratio is None else f"ratio {row.ratio:.2f}"
    return " | ".join(part for part in (row.stage, row.size, number, ratio, row.target, row.note) if part)


def _tests(device: torch.device) -> list[Measurement]:
    """The tests marked gpu, in a process of their own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "gpu"]
    command += ["tests/metaseg/test_device_scan.py", "tests/training/test_training.py"]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TESTS_S)
    last = (done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["no output"])[-1]
    if done.returncode not in (0, 5):  # 5: none was selected
        raise RuntimeError(f"{last}\n{done.stdout[-2000:]}")
    return [Measurement("tests marked gpu", str(device), time.perf_counter() - start, note=last)]


def _machine(device: torch.device) -> dict[str, Any]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return {"device": name, "torch": torch.__version__, "python": platform.python_version()}


if __name__ == "__main__":
    sys.exit(main())
