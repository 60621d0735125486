"""Pictures of the labelling page for docs/screenshots, taken where RAYMETA_SCREENSHOTS names a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
import yaml
from http_person import pixels_of, png_of, put
from kept_pictures import FOLDER, save
from labelling_service import Labeller, go_on, serve_tasks
from PIL import Image
from playwright.sync_api import Browser, Page

from raymeta.config import DatasetConfig
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import Dataset
from raymeta.labels.annotator_list import add_annotator

SCENES = {"train_images": 24, "validation_images": 4, "height": 192, "width": 384, "seed": 0}
BOX = 64
CONFIG = """
iterations: 2
acquisition: {box_width: 64, query_size: 20, initial_images: 10, meta_images: 5}
oracle: {kind: people}
network: {width_multiplier: 0.125, batch_norm: true}
meta_regressor: {trees: 20}
training: {learning_rate: 0.002, batch_size: 4, max_epochs: 6, steps_per_epoch: 20, threads_per_worker: 2}
scoring: {threads_per_actor: 2}
"""

pytestmark = pytest.mark.skipif(FOLDER is None, reason="RAYMETA_SCREENSHOTS names no folder for the pictures")


def write_unlabelled(root: Path, scenes: Dataset) -> None:
    """The pictures of generated scenes without their labels."""
    for part, ids in (("train", scenes.pool_ids()), ("val", scenes.validation_ids())):
        (root / "images" / part).mkdir(parents=True)
        for image_id in ids:
            Image.fromarray(scenes.image(image_id)).save(root / "images" / part / f"{image_id}.png")
    colors = scenes.palette.tolist()
    classes = [{"name": name, "value": i, "color": colors[i]} for i, name in enumerate(scenes.class_names)]
    (root / "classes.yaml").write_text(yaml.safe_dump({"classes": classes, "void": [255]}))


def truth_of(scenes: Dataset, task: dict) -> np.ndarray:
    region = task["region"]
    rows = slice(region["top"], region["top"] + region["height"])
    labels = scenes.label_map(task["image_id"].rpartition("/")[2]).astype(np.uint8)
    labels = labels[rows, region["left"] : region["left"] + region["width"]]
    return np.where(labels == 255, np.uint8(254), labels)


Office = tuple[str, dict[str, str], Dataset, Path]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A query of boxes that is open, after whole images were answered with the truth."""
    with opened_office(tmp_path_factory.mktemp("labelling_screenshots"), {"strategy": "metabox_plus"}) as opened:
        yield opened


@pytest.fixture(scope="module")
def points_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The same with points."""
    settings = {"strategy": "metabox", "unit": "point", "box_width": 24}
    with opened_office(tmp_path_factory.mktemp("points_screenshots"), settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def segments_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The same with segments."""
    with opened_office(
        tmp_path_factory.mktemp("segments_screenshots"), {"strategy": "segments", "box_width": 32}
    ) as opened:
        yield opened


@contextmanager
def opened_office(folder: Path, acquisition: dict[str, object]) -> Iterator[Office]:
    """The service of a run that asks, its two annotators' tokens, of whom ben reviews, the truth, and the folder."""
    config = DatasetConfig.model_validate({"kind": "street_scenes", "root": str(folder / "scenes"), "scenes": SCENES})
    scenes = open_dataset(config, seed=0)
    write_unlabelled(folder / "data", scenes)
    run_dir = folder / "street_scenes"
    values = yaml.safe_load(CONFIG) | {
        "run_dir": str(run_dir),
        "dataset": {"kind": "folder", "root": str(folder / "data")},
    }
    values["acquisition"] |= acquisition
    (folder / "config.yaml").write_text(yaml.safe_dump(values))
    assert not go_on(folder / "config.yaml")
    with serve_tasks(run_dir) as url, httpx.Client(base_url=url, timeout=60) as client:
        while tasks := client.post("/v1/tasks/lease", json={"count": 8}).json()["tasks"]:
            for task in tasks:
                body = {"raster_png": png_of(truth_of(scenes, task)), "active_seconds": 90}
                put(client, task, body).raise_for_status()
    assert not go_on(folder / "config.yaml")
    annotators = folder / "annotators.yaml"
    tokens = {
        "ann": add_annotator(annotators, "ann", ["annotate"]),
        "ben": add_annotator(annotators, "ben", ["annotate", "review"]),
    }
    with serve_tasks(run_dir, annotators) as url:
        yield url, tokens, scenes, folder


def busiest(client: httpx.Client) -> str:
    """A box in which the network sees several segments, but not too many."""
    rows = client.get("/v1/tasks", params={"set": "query-000", "state": "proposed"}).json()["tasks"]
    sizes = {row["id"]: len(client.get(f"/v1/tasks/{row['id']}/prelabels").json()["segments"]) for row in rows}
    return min(sizes, key=lambda task_id: abs(sizes[task_id] - 8))


def clients_of(url: str, tokens: dict[str, str]) -> dict[str, httpx.Client]:
    return {
        name: httpx.Client(base_url=url, timeout=60, headers={"Authorization": f"Bearer {token}"})
        for name, token in tokens.items()
    }


@contextmanager
def opened_page(browser: Browser, address: str, token: str, screen: tuple[str, int, int, int]) -> Iterator[Page]:
    """A page at an address; screen: theme, width, height and pixel ratio."""
    theme, width, height, ratio = screen
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, device_scale_factor=ratio
    )
    context.add_init_script(f"sessionStorage.setItem('raymeta-token', '{token}')")
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()


LIGHT, DARK, PHONE = ("light", 1280, 800, 1), ("dark", 1280, 800, 1), ("light", 400, 844, 2)


def test_segment_screenshots(browser: Browser, segments_office: Office) -> None:
    url, tokens, _, _ = segments_office
    ann, ben = clients_of(url, tokens).values()
    rows = ann.get("/v1/tasks", params={"set": "query-000", "state": "proposed"}).json()["tasks"]
    tasks = [ann.get(f"/v1/tasks/{row['id']}").json() for row in rows]
    first = max(tasks, key=lambda task: len(task["segment"]["rings"][0]))  # the one with most corners
    for name, screen in (("segment_light", LIGHT), ("segment_dark", DARK), ("segment_phone", PHONE)):
        with opened_page(browser, f"{url}/#/annotate?task={first['id']}", tokens["ann"], screen) as page:
            page.locator(f"[data-task='{first['id']}']").wait_for()
            page.wait_for_timeout(600)
            save(page, name)
            if screen is LIGHT:
                page.keyboard.press("m")
                page.wait_for_timeout(200)
                save(page, "segment_mixed_light")
    mask = pixels_of(first["segment"]["mask_png"]) > 0
    for person, value in ((ann, first["segment"]["class_id"]), (ben, (first["segment"]["class_id"] + 1) % 3)):
        put(person, first, {"raster_png": png_of(np.where(mask, value, 255).astype(np.uint8)), "active_seconds": 1.4})
    with opened_page(browser, f"{url}/#/review?task={first['id']}", tokens["ben"], LIGHT) as page:
        page.locator(".answer-card").first.wait_for()
        page.wait_for_timeout(400)
        save(page, "segment_review_light")


def test_point_screenshots(browser: Browser, points_office: Office) -> None:
    url, tokens, scenes, folder = points_office
    ann, ben = clients_of(url, tokens).values()
    rows = ann.get("/v1/tasks", params={"set": "query-000", "state": "proposed"}).json()["tasks"]
    first = next(row for row in rows if 20 < row["point"]["row"] < 160 and 20 < row["point"]["column"] < 360)
    for name, screen in (("point_light", LIGHT), ("point_dark", DARK), ("point_phone", PHONE)):
        with opened_page(browser, f"{url}/#/annotate?task={first['id']}", tokens["ann"], screen) as page:
            page.locator(f"[data-task='{first['id']}']").wait_for()
            page.wait_for_timeout(600)
            save(page, name)
    truth = truth_of(scenes, first)
    put(ann, first, {"raster_png": png_of(truth), "active_seconds": 2.1, "clicks": {"class": 1}})
    other = np.full_like(truth, (int(truth[1, 1]) + 1) % 3)
    put(ben, first, {"raster_png": png_of(other), "active_seconds": 1.4, "clicks": {"confirm": 1}})
    with opened_page(browser, f"{url}/#/review?task={first['id']}", tokens["ben"], LIGHT) as page:
        page.locator(".answer-card").first.wait_for()
        page.wait_for_timeout(400)
        save(page, "point_review_light")
    put(ann, first, {"raster_png": png_of(other), "active_seconds": 1.0, "clicks": {"class": 1}})
    answer_points(ann, scenes)
    assert not go_on(folder / "config.yaml")
    with serve_tasks(folder / "street_scenes") as again, opened_page(browser, f"{again}/#/", "", LIGHT) as page:
        panel = page.locator("section", has=page.locator("#labelling-title"))
        panel.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        save(page, "labelling_costs_light")


def answer_points(client: httpx.Client, scenes: Dataset) -> None:
    """What is left of the query, by the truth."""
    seconds = 0.6
    while tasks := client.post("/v1/tasks/lease", json={"count": 8}).json()["tasks"]:
        for task in tasks:
            seconds = 0.6 + (seconds * 7 % 2)
            body = {"raster_png": png_of(truth_of(scenes, task)), "active_seconds": seconds, "clicks": {"class": 1}}
            put(client, task, body).raise_for_status()


def test_labelling_screenshots(browser: Browser, office: Office) -> None:
    url, tokens, scenes, _ = office
    clients = clients_of(url, tokens)
    task_id = busiest(clients["ann"])
    for name, screen in (("annotate_light", LIGHT), ("annotate_dark", DARK), ("annotate_phone", PHONE)):
        with opened_page(browser, f"{url}/#/annotate?task={task_id}", tokens["ann"], screen) as page:
            hand = Labeller(page, clients["ann"])
            hand.wait(task_id)
            page.wait_for_timeout(800)
            if name == "annotate_dark":
                hand.press("4", "p")
                hand.click((10, 8), (34, 5), (44, 22))
                page.mouse.move(*hand.screen(28, 40))
            elif name == "annotate_light":
                hand.click((BOX / 2, BOX / 2))
            page.wait_for_timeout(300)
            save(page, name)
    truth = truth_of(scenes, clients["ann"].get(f"/v1/tasks/{task_id}").json())
    other = truth.copy()
    other[20:44, 12:50] = truth[0, 0]
    first = clients["ann"].get(f"/v1/tasks/{task_id}").json()
    put(
        clients["ann"], first, {"raster_png": png_of(truth), "active_seconds": 31, "clicks": {"vertex": 18, "class": 4}}
    )
    put(
        clients["ben"], first, {"raster_png": png_of(other), "active_seconds": 22, "clicks": {"vertex": 11, "class": 3}}
    )
    with opened_page(browser, f"{url}/#/review?task={task_id}", tokens["ben"], LIGHT) as page:
        page.locator(".answer-card").first.wait_for()
        page.wait_for_timeout(500)
        save(page, "review_light")
