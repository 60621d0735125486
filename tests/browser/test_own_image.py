"""An image of the user's: chosen, dropped or pasted, scored by the service, refused with its words."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from browser_page import OpenPage
from PIL import Image
from playwright.sync_api import Page
from served_run import ServedRun

HEIGHT, WIDTH = 64, 96


def encoded(pixels: np.ndarray, form: str = "PNG", **more: object) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, form, **more)
    return sink.getvalue()


@pytest.fixture(scope="module")
def png() -> bytes:
    """An image that the run has never seen."""
    return encoded(np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))


def transfer(page: Page, event: str, data: bytes, name: str, kind: str) -> None:
    """Dispatch a drop or paste that carries a file."""
    page.evaluate(
        """([event, text, name, type]) => {
          const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const data = new DataTransfer();
          data.items.add(new File([bytes], name, { type }));
          const more = { bubbles: true, cancelable: true };
          const made = event === "paste" ? new ClipboardEvent("paste", { ...more, clipboardData: data })
            : new DragEvent(event, { ...more, dataTransfer: data });
          document.body.dispatchEvent(made);
        }""",
        [event, base64.b64encode(data).decode(), name, kind],
    )


def wait_for_boxes(page: Page, served: ServedRun, data: bytes, **query: object) -> None:
    """The list of boxes is that of the service for the same bytes."""
    answer = served.client.post(
        "/v1/boxes", params={"k": 20, **query}, content=data, headers={"Content-Type": "image/png"}
    )
    boxes = answer.json()["boxes"]
    assert boxes
    page.locator(".boxes tbody tr").first.wait_for()
    places = [f"{box['left']}, {box['top']}" for box in boxes]
    shown = "[...document.querySelectorAll('.boxes tbody td:last-child')].map((cell) => cell.innerText).join('; ')"
    page.wait_for_function(f"places => {shown} === places", arg="; ".join(places))


def test_chosen_file_is_scored_and_settings_change_it(open_page: OpenPage, served: ServedRun, png: bytes) -> None:
    page = open_page("#/own")
    page.locator("input[type=file]").set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": png})
    assert page.locator(".image-name").inner_text() == "mine.png"
    wait_for_boxes(page, served, png, strategy="metabox_plus")
    page.get_by_label("Strategy").select_option("entropy_box")
    wait_for_boxes(page, served, png, strategy="entropy_box")
    page.get_by_label("Box width").fill("24")
    page.get_by_label("Box width").press("Enter")
    wait_for_boxes(page, served, png, strategy="entropy_box", box_width=24)
    page.get_by_label("Box width").fill("500")
    page.get_by_label("Box width").press("Enter")
    page.get_by_text("box_width 500").wait_for()


@pytest.mark.parametrize("place", ["#/", "#/pool"])
def test_dropped_anywhere(open_page: OpenPage, served: ServedRun, png: bytes, place: str) -> None:
    page = open_page(place)
    page.locator("h1").first.wait_for()
    transfer(page, "dragenter", png, "dropped.png", "image/png")
    page.get_by_text("Drop your image").wait_for()
    transfer(page, "drop", png, "dropped.png", "image/png")
    page.locator(".image-name", has_text="dropped.png").wait_for()
    assert not page.get_by_text("Drop your image").is_visible()
    wait_for_boxes(page, served, png, strategy="metabox_plus")


def test_pasted(open_page: OpenPage, served: ServedRun, png: bytes) -> None:
    page = open_page("#/pool")
    page.locator("h1").first.wait_for()
    transfer(page, "paste", png, "pasted.png", "image/png")
    page.locator(".image-name", has_text="pasted.png").wait_for()
    wait_for_boxes(page, served, png, strategy="metabox_plus")


@pytest.mark.parametrize("data", [b"no picture at all", b"\x89PNG\r\n\x1a\n broken", b""])
def test_refused_in_the_words_of_the_service(open_page: OpenPage, served: ServedRun, data: bytes) -> None:
    detail = served.client.post("/v1/boxes", content=data, headers={"Content-Type": "image/png"}).json()["detail"]
    page = open_page("#/own")
    page.locator("input[type=file]").set_input_files({"name": "bad.png", "mimeType": "image/png", "buffer": data})
    page.get_by_role("alert").wait_for()
    assert page.locator(".stage-trouble p").inner_text() == detail


def test_photograph_on_its_side_is_sent_upright(open_page: OpenPage, tmp_path: Path) -> None:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, :10] = 255  # the left edge; orientation 6 turns it to the top
    exif = Image.Exif()
    exif[0x0112] = 6
    page = open_page("#/own")
    with page.expect_request(lambda request: request.method == "POST") as posted:
        jpeg = encoded(pixels, "JPEG", exif=exif.tobytes(), quality=95)
        page.locator("input[type=file]").set_input_files({"name": "side.jpg", "mimeType": "image/jpeg", "buffer": jpeg})
    assert posted.value.headers["content-type"] == "image/png"
    page.wait_for_function("() => document.querySelector('.working').hidden")
    # Fitted, the upright picture is higher than wide: white at the top.
    page.keyboard.press("0")
    page.locator("label", has_text="Picture only").click()
    page.locator("label", has_text="Best boxes").click()
    stage = page.locator(".stage canvas").bounding_box()
    assert stage is not None
    shot = Image.open(io.BytesIO(page.screenshot(clip={**stage}))).convert("L")
    column = np.asarray(shot)[:, shot.width // 2]
    drawn = np.flatnonzero(column < 40)
    assert column[24] > 230
    assert drawn[0] == pytest.approx(16 + (shot.height - 32) * 10 / WIDTH, abs=8)
