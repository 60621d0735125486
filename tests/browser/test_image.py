"""One image: what the canvas shows and the read-out says is what the service answers."""

import io
import re
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from browser_page import OpenPage
from PIL import Image
from playwright.sync_api import Page
from served_run import ServedRun

MAPS = ("segmentation", "predicted_iou", "metaseg", "clicks", "joint", "entropy")
LOADED = "() => document.querySelector('.working').hidden && document.querySelector('.legend .skeleton') === null"


def open_image(open_page: OpenPage, image_id: str, layer: str = "segmentation", **more: Any) -> Page:
    page = open_page(f"#/image/{quote(image_id, safe='')}?layer={layer}", **more)
    page.locator(".viewer").wait_for()
    page.wait_for_function(LOADED)
    return page


def map_values(served: ServedRun, image_id: str, name: str) -> np.ndarray:
    path = f"/v1/pool/{quote(image_id, safe='')}/map"
    answer = served.client.get(path, params={"map": name, "format": "npz"})
    answer.raise_for_status()
    return np.load(io.BytesIO(answer.content))["map"]


def screen_place(page: Page, frame: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    """Where a pixel of a (height, width) picture lies on the screen, while the picture is fitted."""
    box = page.locator(".stage canvas").bounding_box()
    assert box is not None
    height, width = frame
    scale = min((box["width"] - 32) / width, (box["height"] - 32) / height)
    left = box["x"] + (box["width"] - width * scale) / 2
    top = box["y"] + (box["height"] - height * scale) / 2
    return left + (x + 0.5) * scale, top + (y + 0.5) * scale


def colour_at(page: Page, x: float, y: float) -> tuple[int, ...]:
    clip = {"x": round(x) - 1, "y": round(y) - 1, "width": 3, "height": 3}
    return Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB").getpixel((1, 1))


@pytest.fixture(scope="module")
def image_id(served: ServedRun) -> str:
    """The image with the highest score."""
    return served.image_ids(search="0")[0]


def test_segmentation_has_the_class_colours(open_page: OpenPage, served: ServedRun, image_id: str) -> None:
    classes = served.json("model")["classes"]
    labels = map_values(served, image_id, "segmentation")
    page = open_image(open_page, image_id)
    page.keyboard.press("7")
    page.keyboard.press("8")
    for _ in range(4):
        page.keyboard.press("]")
    assert page.locator(".opacity output").inner_text() == "100 %"
    page.mouse.move(5, 5)
    for y, x in ((3, 4), (20, 50), (40, 10), (60, 90)):
        spot = screen_place(page, labels.shape, x, y)
        expected = classes[labels[y, x]]["color"]
        assert "#{:02x}{:02x}{:02x}".format(*colour_at(page, *spot)) == expected


def test_readout_tells_the_values_under_the_pointer(open_page: OpenPage, served: ServedRun, image_id: str) -> None:
    classes = served.json("model")["classes"]
    maps = {name: map_values(served, image_id, name) for name in MAPS}
    page = open_image(open_page, image_id, "entropy")
    height, width = maps["segmentation"].shape
    side = width - maps["joint"].shape[1] + 1
    for y, x in ((5, 5), (30, 48), (60, 90)):
        page.mouse.move(*screen_place(page, (height, width), x, y))
        text = page.locator(".readout").inner_text()
        assert re.search(rf"x {x}\s+y {y}\b", text)
        assert classes[maps["segmentation"][y, x]]["name"] in text
        told = {
            name: float(value) for name, value in re.findall(r"(predicted IoU|box priority|Entropy) ([\d.]+)", text)
        }
        cell = tuple(
            int(np.clip(round(at + 0.5 - side / 2), 0, size - 1))
            for at, size in zip((y, x), maps["joint"].shape, strict=True)
        )
        assert told["predicted IoU"] == pytest.approx(maps["predicted_iou"][y, x], abs=0.5 / 255 + 0.006)
        assert told["Entropy"] == pytest.approx(maps["entropy"][y, x], abs=0.5 / 255 + 0.006)
        scale = maps["joint"].max()
        near = maps["joint"][max(0, cell[0] - 1) : cell[0] + 2, max(0, cell[1] - 1) : cell[1] + 2]
        slack = scale / 255
        assert near.min() - slack <= told["box priority"] <= near.max() + slack


SLOW_AND_WATCHED = """(place) => {
  const fetched = window.fetch;
  window.fetch = async (...request) => {
    await new Promise((done) => setTimeout(done, 150));
    return fetched(...request);
  };
  window.ends = 0;
  new MutationObserver((changes) => {
    const working = document.querySelector(".viewer .working");
    if (working?.hidden && changes.some(({ target }) => target === working)) window.ends += 1;
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["hidden"] });
  location.hash = place;
}"""


def test_loading_is_shown_without_a_break_until_the_last_map_is_there(open_page: OpenPage, image_id: str) -> None:
    page = open_page("#/pool")
    page.evaluate(SLOW_AND_WATCHED, f"#/image/{quote(image_id, safe='')}?layer=entropy")
    page.locator(".viewer").wait_for()
    page.wait_for_function(LOADED)
    page.wait_for_timeout(1_000)
    assert page.evaluate("window.ends") == 1


def test_keys_switch_the_layers(open_page: OpenPage, image_id: str) -> None:
    page = open_image(open_page, image_id)
    page.locator(".stage canvas").focus()
    for key, name in enumerate(MAPS, start=1):
        if name == "segmentation":
            continue
        page.keyboard.press(str(key))
        page.wait_for_url(f"**layer={name}*")
        assert page.locator("input[name=map]:checked").input_value() == name
    page.keyboard.press("6")
    assert page.locator("input[name=map]:checked").input_value() == "none"
    for key, name in (("7", "labelled"), ("8", "boxes")):
        box = page.locator(f"input[name={name}]")
        assert box.is_checked()
        page.keyboard.press(key)
        assert not box.is_checked()


def test_legend_explains_the_shown_map(open_page: OpenPage, served: ServedRun, image_id: str) -> None:
    classes = served.json("model")["classes"]
    labels = map_values(served, image_id, "segmentation")
    page = open_image(open_page, image_id)
    present = {classes[index]["name"] for index in np.unique(labels)}
    assert set(page.locator(".class-list .class-name").all_inner_texts()) == present
    page.keyboard.press("2")
    page.locator(".scale").wait_for()
    assert page.locator(".scale-marks span").all_inner_texts() == ["0", "0.25", "0.5", "0.75", "1"]
    page.keyboard.press("5")
    page.get_by_label("Joint priority: dark is 0").wait_for()
    assert page.get_by_text("a margin of half a box has no value").is_visible()
    assert page.locator("table.boxes th", has_text="score").get_attribute("title")
    top = float(page.locator(".scale-marks span").last.inner_text().replace(",", ""))
    assert top == pytest.approx(map_values(served, image_id, "joint").max(), rel=0.006)


def test_boxes_of_the_query_are_listed_and_lead_to_their_place(
    open_page: OpenPage, served: ServedRun, image_id: str
) -> None:
    expected = served.json(f"pool/{quote(image_id, safe='')}")["query"]
    page = open_image(open_page, image_id, "none")
    rows = page.locator(".boxes tbody tr")
    assert rows.count() == len(expected) > 0
    assert [int(text) for text in page.locator(".rank").all_inner_texts()] == [box["rank"] for box in expected]
    assert [int(row.locator("td").nth(2).inner_text()) for row in rows.all()] == [
        b["estimated_clicks"] for b in expected
    ]
    page.locator(".rank").first.click()
    stage = page.locator(".stage canvas").bounding_box()
    assert stage is not None
    box = expected[0]
    scale = min(stage["width"], stage["height"]) / (4 * box["width"])
    at = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2
    page.mouse.move(*at)
    x, y = map(int, re.findall(r"\b[xy] (\d+)", page.locator(".readout").inner_text()))
    spot = at[0] + (box["left"] + 8 - x) * scale, at[1] + (box["top"] + 8 - y) * scale
    assert stage["x"] < spot[0] < stage["x"] + stage["width"]
    assert stage["y"] < spot[1] < stage["y"] + stage["height"]
    page.mouse.move(*spot)
    assert page.locator(".boxes .pointed").get_attribute("data-rank") == str(box["rank"])


def test_zoom_and_pan_by_keys_wheel_and_drag(open_page: OpenPage, image_id: str) -> None:
    page = open_image(open_page, image_id, "none")
    stage = page.locator(".stage canvas").bounding_box()
    assert stage is not None
    middle = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2

    def left_pixel() -> int:
        page.mouse.move(stage["x"] + 40, middle[1])
        found = re.search(r"x (\d+)", page.locator(".readout").inner_text())
        return int(found[1]) if found else -1

    start = left_pixel()
    page.keyboard.press("+")
    page.keyboard.press("+")
    zoomed = left_pixel()
    assert zoomed > start
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert left_pixel() > zoomed
    page.keyboard.press("0")
    assert left_pixel() == start
    page.mouse.move(*middle)
    page.mouse.wheel(0, -600)
    wheeled = left_pixel()
    assert wheeled > start
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 120, middle[1], steps=4)
    page.mouse.up()
    assert left_pixel() < wheeled
    page.get_by_role("button", name="Fit").click()
    assert left_pixel() == start


def test_neighbours_follow_the_order_of_the_pool(open_page: OpenPage, served: ServedRun) -> None:
    ids = served.image_ids(sort="entropy", order="asc")
    page = open_page("#/pool?sort=entropy&order=asc")
    page.locator(".pool-card").nth(1).click()
    page.get_by_text(f"2 of {len(ids)}").wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_text(f"3 of {len(ids)}").wait_for()
    assert page.locator(".image-name").inner_text() == ids[2]
    page.keyboard.press("ArrowLeft")
    page.get_by_text(f"2 of {len(ids)}").wait_for()
    page.get_by_role("link", name="Previous image").click()
    page.get_by_text(f"1 of {len(ids)}").wait_for()
    assert page.locator(".image-name").inner_text() == ids[0]
    assert page.get_by_role("link", name="Previous image").count() == 0  # a link without target is no link
    page.goto(f"{served.url}/#/image/{quote(ids[5], safe='')}?sort=entropy&order=asc")  # its place is looked up
    page.get_by_text(f"6 of {len(ids)}").wait_for()


def test_wholly_labelled_image_says_so(open_page: OpenPage, served: ServedRun) -> None:
    initial = next(row["image_id"] for row in served.json("pool")["images"] if row["split"] == "initial")
    page = open_image(open_page, initial)
    page.get_by_text("labelled from the start").wait_for()
    page.get_by_text("None in this image.").wait_for()
