"""Pictures of the page for docs/screenshots, taken where RAYMETA_SCREENSHOTS names a folder (`make screenshots`)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kept_pictures import FOLDER, save
from playwright.sync_api import Browser
from served_run import TOKEN, ServedRun, make_run, serve_run

LAPTOP, PHONE = (1280, 800, 1), (390, 844, 2)
RUN = {
    "seed": 0,
    "iterations": 4,
    "acquisition": {
        "strategy": "metabox_plus",
        "box_width": 24,
        "query_size": 200,
        "initial_images": 6,
        "meta_images": 6,
    },
    "network": {"width_multiplier": 0.125, "batch_norm": True},
    "training": {
        "learning_rate": 0.002,
        "batch_size": 4,
        "max_epochs": 8,
        "steps_per_epoch": 16,
        "threads_per_worker": 2,
    },
    "scoring": {"threads_per_actor": 2},
}
SCENES = {"train_images": 60, "validation_images": 12, "height": 144, "width": 288, "seed": 0}

NO_EMPTY_CARD = """() => [...document.querySelectorAll('.pool-card')].every(card =>
  card.getBoundingClientRect().top >= innerHeight || card.querySelector('img[src]')?.complete)"""

pytestmark = pytest.mark.skipif(FOLDER is None, reason="RAYMETA_SCREENSHOTS names no folder for the pictures")


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRun]:
    """A run that is worth looking at, and the full set beside it for the 95 % line."""
    folder = tmp_path_factory.mktemp("screenshots")
    dataset = {"kind": "street_scenes", "root": str(folder / "scenes"), "scenes": SCENES}
    (folder / "full").mkdir()
    acquisition = RUN["acquisition"] | {"strategy": "full_set"}
    full = make_run(folder / "full", RUN | {"iterations": 1, "acquisition": acquisition, "dataset": dataset})
    run_dir = make_run(folder, RUN | {"dataset": dataset, "report": {"full_set_run": str(full)}}, "street_scenes")
    with serve_run(run_dir, folder) as service:
        yield service


def test_screenshots(browser: Browser, larger: ServedRun) -> None:
    best, second = larger.image_ids()[:2]
    root = yaml.safe_load((larger.run_dir / "config.yaml").read_text())["dataset"]["root"]
    own = min((Path(root) / "leftImg8bit" / "val").rglob("*.png"))  # an image that the run has never seen
    views = [
        ("overview", "#/", ".tile"),
        ("pool", "#/pool", ".pool-card img[src]"),
        ("image_joint", f"#/image/{best}?layer=joint", ".boxes"),
        ("image_segmentation", f"#/image/{second}?layer=segmentation", ".boxes"),
        ("image_predicted_iou", f"#/image/{second}?layer=predicted_iou", ".boxes"),
        ("own_image", "#/own", ".invitation"),
    ]
    for theme, screen, names in (
        ("light", LAPTOP, {"overview", "pool", "image_joint", "image_segmentation"}),
        ("dark", LAPTOP, {"overview", "pool", "image_predicted_iou", "own_image"}),
        ("light", PHONE, {"overview", "image_joint"}),
        ("dark", PHONE, {"pool"}),
    ):
        width, height, ratio = screen
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, device_scale_factor=ratio
        )
        context.add_init_script(f"sessionStorage.setItem('raymeta-token', '{TOKEN}')")
        page = context.new_page()
        for name, place, there in views:
            if name not in names:
                continue
            page.goto(f"{larger.url}/{place}")
            page.locator(there).first.wait_for()
            if name == "own_image":
                page.locator("input[type=file]").set_input_files(own)
                page.locator(".boxes").wait_for()
            if name.startswith(("image", "own")):
                page.wait_for_function("() => document.querySelector('.working').hidden")
                page.mouse.move(width * 0.3, height * 0.5 if screen is LAPTOP else 300)
            page.wait_for_function(NO_EMPTY_CARD)
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(400)  # pictures that came last are decoded
            save(page, f"{name}_{'phone' if screen is PHONE else theme}")
        context.close()
