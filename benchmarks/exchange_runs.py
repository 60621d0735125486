"""Whole runs in which a simulated person works through real files, one for each format: seconds and bytes."""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image

from benchmarks.measurement import MIB, Measurement
from raymeta.config import DatasetConfig, ExperimentConfig, parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import Dataset
from raymeta.datasets.street_scenes.dataset import write_street_scenes
from raymeta.errors import WaitingForPeople
from raymeta.exchange import FORMATS, DrawnPicture, Manifest, Task, load_manifest, partition_shapes, write_pictures
from raymeta.labels.answer_imports import import_answers
from raymeta.labels.label_store import LabelStore
from raymeta.labels.task_exports import export_open_tasks
from raymeta.labels.task_states import Rules
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_workers
from raymeta.runs.run_store import RunStore

HEIGHT, WIDTH = 128, 256
IMAGES, QUICK_IMAGES = 24, 8
BOXES, QUICK_BOXES = 40, 4
ITERATIONS, QUICK_ITERATIONS = 2, 1
BOX: Final = 32
VALIDATION: Final = 2

T = TypeVar("T")


def measure_exchange(quick: bool) -> list[Measurement]:
    """Three rows a format: hand out, bring back, the whole run.

    Raises:
        RuntimeError: runs of two formats differ in a label or a query.
    """
    images, boxes = (QUICK_IMAGES, QUICK_BOXES) if quick else (IMAGES, BOXES)
    rows: list[Measurement] = []
    with tempfile.TemporaryDirectory() as folder:
        truth = _write_images(Path(folder), images)
        results = set()
        data, iterations = Path(folder, "data"), QUICK_ITERATIONS if quick else ITERATIONS
        _FileRun(data, Path(folder, "first"), "labelme", truth, QUICK_BOXES, 1).measure()  # compiles what is compiled
        for form in FORMATS:
            run = _FileRun(data, Path(folder, form), form, truth, boxes, iterations)
            rows += run.measure()
            results.add(run.digest())
        if len(results) > 1:
            raise RuntimeError(f"{len(results)} different runs from the same labels in {len(FORMATS)} formats")
    return rows


def _write_images(folder: Path, images: int) -> Dataset:
    """`folder`/data without labels; gives the data set that knows them."""
    scenes = folder / "scenes"
    write_street_scenes(scenes, images, VALIDATION, HEIGHT, WIDTH, seed=0)
    truth = open_dataset(DatasetConfig(kind="cityscapes", root=str(scenes)))
    data = folder / "data"
    for part, ids in (("train", truth.pool_ids()), ("val", truth.validation_ids())):
        (data / "images" / part).mkdir(parents=True)
        for image_id in ids:
            Image.fromarray(truth.image(image_id)).save(data / "images" / part / f"{_stem(image_id)}.png")
    classes = [{"name": name, "value": value} for value, name in enumerate(truth.class_names)]
    (data / "classes.yaml").write_text(yaml.safe_dump({"classes": classes, "void": [255]}))
    return truth


class _FileRun:
    """One run whose answers go through files of one format."""

    def __init__(self, data: Path, folder: Path, form: str, truth: Dataset, boxes: int, iterations: int) -> None:
        self._form, self._truth, self._folder = form, truth, folder
        self._config = _config(data, folder / "run", boxes, iterations)
        self._seconds = {"hand out": 0.0, "draw": 0.0, "bring back": 0.0}
        self._bytes = {"files": 0, "answers": 0, "pictures": 0}
        self._tasks = 0

    def measure(self) -> list[Measurement]:
        """Run to the end, and tell what it took."""
        start = time.perf_counter()
        turn = 0
        while True:
            try:
                run_experiment(self._config, local_workers)
                break
            except WaitingForPeople:
                self._answer(self._folder / f"turn{turn}")
                turn += 1
        whole = time.perf_counter() - start - self._seconds["draw"]
        size, kept = f"{self._tasks} tasks, {turn} turns", _bytes_below(self._folder / "run/labels/answers")
        handed = f"{_mib(self._bytes['files'])} beside {_mib(self._bytes['pictures'])} of pictures"
        return [
            Measurement(f"{self._form}: hand out", size, self._seconds["hand out"], note=handed),
            Measurement(
                f"{self._form}: bring back",
                size,
                self._seconds["bring back"],
                note=f"{_mib(self._bytes['answers'])} of files, {_mib(kept)} of answers kept",
            ),
            Measurement(f"{self._form}: whole run", size, whole, note="without the time to draw"),
        ]

    def digest(self) -> str:
        """Checksum of every accepted label map and every query."""
        labels, found = self._labels(), hashlib.sha256()
        for name in labels.sets.names():
            for state in labels.states(name):
                assert state.accepted is not None
                task = state.task
                found.update(repr((task.id, task.image_id, task.top, task.left)).encode())
                found.update(state.accepted.labels_sha256.encode())
        return found.hexdigest()

    def _labels(self) -> LabelStore:
        return LabelStore(RunStore(self._config.run_dir), Rules.of(self._config.oracle))

    def _answer(self, folder: Path) -> None:
        """Hand out what is open, draw it, and bring it back."""
        store, labels = RunStore(self._config.run_dir), self._labels()
        names, handed, drawn = labels.sets.names(), folder / "out", folder / "drawn"
        manifest = self._timed("hand out", lambda: export_open_tasks(store, labels, names, self._form, handed))
        self._timed("draw", lambda: self._draw(load_manifest(handed), drawn))
        summary = self._timed("bring back", lambda: import_answers(store, labels, drawn, format=self._form, who="ann"))
        if summary.added != len(manifest.tasks):
            raise RuntimeError("\n".join([summary.line(), *summary.messages[:5]]))
        self._tasks += len(manifest.tasks)
        pictures = _bytes_below(handed, ".png")
        self._bytes["pictures"] += pictures
        self._bytes["files"] += _bytes_below(handed) - pictures
        self._bytes["answers"] += _bytes_below(drawn)
        shutil.rmtree(folder)

    def _timed(self, what: str, work: Callable[[], T]) -> T:
        start = time.perf_counter()
        result = work()
        self._seconds[what] += time.perf_counter() - start
        return result

    def _draw(self, manifest: Manifest, folder: Path) -> None:
        names = {each.id: each.name for each in manifest.classes}
        pictures = (true_picture(task, self._truth.label_map(_stem(task.image_id)), names) for task in manifest.tasks)
        write_pictures(folder, list(pictures), manifest.classes, self._form)


def true_picture(task: Task, truth: NDArray[np.uint8], names: dict[int, str]) -> DrawnPicture:
    """What a person draws who knows the labels: those of the task's region and nothing else.

    truth: (H, W) uint8 class ids of the whole image, 255 void. names: of the classes.
    """
    top, left, height, width = task.region
    crop = task.crop
    shown = np.full((crop.height, crop.width), 255, np.uint8)
    asked = np.zeros(shown.shape, np.bool_)
    inside = np.s_[top - crop.top : top - crop.top + height, left - crop.left : left - crop.left + width]
    shown[inside], asked[inside] = truth[top : top + height, left : left + width], True
    return DrawnPicture(f"{task.id}.png", crop.height, crop.width, task.id, partition_shapes(shown, names, void=asked))


def _config(data: Path, run_dir: Path, boxes: int, iterations: int) -> ExperimentConfig:
    return parse_config(
        {
            "run_dir": str(run_dir),
            "iterations": iterations,
            "dataset": {"kind": "folder", "root": str(data)},
            "acquisition": {
                "strategy": "metabox_plus",
                "box_width": BOX,
                "query_size": boxes,
                "initial_images": 2,
                "meta_images": 2,
            },
            "oracle": {"kind": "people"},
            "network": {"width_multiplier": 0.0625, "batch_norm": True},
            "meta_regressor": {"trees": 5},
            "training": {"max_epochs": 2, "threads_per_worker": 1},
            "scoring": {"threads_per_actor": 1},
        }
    )


def _stem(image_id: str) -> str:
    return image_id.rpartition("/")[2]


def _bytes_below(folder: Path, ending: str = "") -> int:
    return sum(path.stat().st_size for path in folder.rglob(f"*{ending}") if path.is_file())


def _mib(count: int) -> str:
    return f"{count / MIB:.2f} MiB"
