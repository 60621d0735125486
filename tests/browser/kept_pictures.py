"""Screenshots for docs/screenshots, small enough to keep."""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page

FOLDER = os.environ.get("RAYMETA_SCREENSHOTS")
LARGEST = 300_000  # bytes
OWN = 40  # colours of a picture that are kept exactly


def save(page: Page, name: str) -> None:
    """Keep what the page shows as a PNG, with a palette of as many colours as the size allows."""
    assert FOLDER is not None
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    path = Path(FOLDER) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    for colours in (256, 192, 160, 128, 96, 64):
        picture.quantize(palette=palette(picture, colours), dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size < LARGEST:
            return
    raise AssertionError(f"{path} has {path.stat().st_size} bytes: at most {LARGEST} are wanted")


def palette(picture: Image.Image, colours: int) -> Image.Image:
    """The commonest colours, which are the page's own, as they are; the rest of the palette for the photographs."""
    packed = np.asarray(picture, dtype=np.int32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.int32)
    found, pixels = np.unique(packed, return_counts=True)
    order = np.argsort(-pixels, kind="stable")
    # By the square root of its pixels a small mark, such as a class's swatch, keeps its colour too.
    weighted = np.repeat(found[order[OWN:]], np.ceil(np.sqrt(pixels[order[OWN:]])).astype(int))
    rest = Image.fromarray(_rgb(weighted)[None]).quantize(colours - OWN, method=Image.Quantize.MEDIANCUT)
    result = Image.new("P", (1, 1))
    result.putpalette(_rgb(found[order[:OWN]]).tobytes() + bytes(rest.getpalette() or ()))
    return result


def _rgb(packed: np.ndarray) -> np.ndarray:
    return np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1).astype(np.uint8)
