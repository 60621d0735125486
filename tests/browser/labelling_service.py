"""A run that waits for people, served without Ray, and a hand on the labelling page."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from http_person import pixels_of, png_of, put
from PIL import Image
from playwright.sync_api import Page
from tiny_runs import serving

from raymeta.config import load_config
from raymeta.errors import WaitingForPeople
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_workers
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings

HEIGHT, WIDTH = 48, 64
EDGE = 40
"""Column at which the pictures turn from dark to bright: an edge for the live-wire."""
CLASSES = ("road", "car", "sky")
MARGIN, TOP, BOTTOM = 16, 66, 58
"""Screen pixels beside, above and below a picture that fits the stage."""


def write_two_tones(root: Path, train: int = 12, val: int = 1) -> None:
    """Unlabelled pictures of 48×64, dark left of column 40 and bright from there on."""
    root.mkdir(parents=True)
    entries = "".join(f"  - {{name: {name}, value: {value}}}\n" for value, name in enumerate(CLASSES))
    (root / "classes.yaml").write_text(f"classes:\n{entries}void: [255]\n")
    for part, count in (("train", train), ("val", val)):
        (root / "images" / part).mkdir(parents=True)
        for number in range(count):
            picture = np.full((HEIGHT, WIDTH, 3), 20 + number, np.uint8)
            picture[:, EDGE:] = 200 + number
            Image.fromarray(picture).save(root / "images" / part / f"{part}{number:02d}.png")


def go_on(config: Path) -> bool:
    """Let the run go as far as it can; False where it waits for people."""
    try:
        run_experiment(load_config(config), local_workers)
    except WaitingForPeople:
        return False
    return True


@contextmanager
def serve_tasks(run_dir: Path, annotators: Path | None = None, lease_s: float = 1800, port: int = 0) -> Iterator[str]:
    """The service of a run in this process; without annotators whoever comes is `local`."""
    settings = ServiceSettings(
        str(run_dir),
        threads=1,
        access_log="/dev/null",
        local_person=annotators is None,
        annotators=None if annotators is None else str(annotators),
        lease_s=lease_s,
    )
    with serving(create_app(settings, LocalBackend(settings)), port) as url:
        yield url


def two_tones(task: Mapping[str, Any]) -> np.ndarray:
    """The true labels of a task's region: road where it is dark, car where it is bright."""
    region = task["region"]
    columns = np.arange(region["left"], region["left"] + region["width"])
    return np.tile((columns >= EDGE).astype(np.uint8), (region["height"], 1))


def answer_rest(client: httpx.Client) -> None:
    """Answer everything that is open with the truth, without the page."""
    while tasks := client.post("/v1/tasks/lease", json={"count": 8}).raise_for_status().json()["tasks"]:
        for task in tasks:
            put(client, task, {"raster_png": png_of(two_tones(task))}).raise_for_status()


class Labeller:
    """A hand on the labelling page: points are pixels of the region."""

    def __init__(self, page: Page, client: httpx.Client) -> None:
        self.page, self.client = page, client

    def wait(self, task_id: str | None = None) -> Mapping[str, Any]:
        """Wait until a task is on screen; gives what the service says of it."""
        self.page.locator(f"[data-task='{task_id}']" if task_id else "[data-task]").wait_for()
        self.task = self.client.get(f"/v1/tasks/{self.page.locator('[data-task]').get_attribute('data-task')}").json()
        return dict(self.task)

    def screen(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the region lies on the screen, as long as nobody has zoomed."""
        place = self.page.locator(".stage canvas").bounding_box()
        assert place is not None
        picture, region, scale = self.task["picture"], self.task["region"], self.task["scale"]
        margin = MARGIN if place["width"] >= 600 else 0
        height, width = picture["height"], picture["width"]
        zoom = min((place["width"] - 2 * margin) / width, (place["height"] - TOP - BOTTOM) / height)
        left = place["x"] + (place["width"] - width * zoom) / 2
        top = place["y"] + TOP + (place["height"] - TOP - BOTTOM - height * zoom) / 2
        at_x, at_y = (region["left"] + x) / scale - picture["left"], (region["top"] + y) / scale - picture["top"]
        return left + at_x * zoom, top + at_y * zoom

    def click(self, *points: tuple[float, float], modifiers: str | None = None) -> None:
        """Click points, a modifier key held."""
        if modifiers:
            self.page.keyboard.down(modifiers)
        for point in points:
            self.page.mouse.move(*self.screen(*point))
            self.page.mouse.down()
            self.page.mouse.up()
        if modifiers:
            self.page.keyboard.up(modifiers)

    def stroke(self, *points: tuple[float, float]) -> None:
        """Drag along points."""
        self.page.mouse.move(*self.screen(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.screen(*point), steps=8)
        self.page.mouse.up()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def send(self) -> Mapping[str, Any]:
        """Enter, and the answer as the service has it: its raster as `values`, 255 void or without a class."""
        task_id = self.task["id"]
        known = {answer["answer_id"] for answer in self.answers(task_id)}
        self.press("Enter")
        return self.newest(task_id, known)

    def newest(self, task_id: str, known: set[str] = frozenset()) -> Mapping[str, Any]:
        """The answer that wasn't known, once it has come."""
        for _ in range(600):
            new = [answer for answer in self.answers(task_id) if answer["answer_id"] not in known]
            if new:
                return {**new[-1], "values": pixels_of(new[-1]["raster_png"])}
            self.page.wait_for_timeout(100)
        raise AssertionError(f"no answer of {task_id} has come")

    def answers(self, task_id: str) -> list[Mapping[str, Any]]:
        return list(self.client.get(f"/v1/tasks/{task_id}/answers").json()["answers"])


def whole(value: int) -> np.ndarray:
    """A raster of one value."""
    return np.full((HEIGHT, WIDTH), value, np.uint8)
