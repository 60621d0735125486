"""From a drawn canvas to a photograph: surface texture, light, lens and sensor."""

import cv2
import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.street_scenes.canvas import Canvas


def develop(canvas: Canvas) -> NDArray[np.uint8]:
    """The finished picture: (H, W, 3) uint8 RGB."""
    rng, light = canvas.rng, canvas.light
    height, width = canvas.roughness.shape
    texture = _texture(rng, height, width)
    texture *= canvas.roughness
    image = canvas.image.astype(np.float32)
    image += texture[..., None]
    row = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    column = np.linspace(-1, 1, width, dtype=np.float32)[None]
    vignette = 1 - np.float32(rng.uniform(0.02, 0.16)) * (row**2 + column**2)
    gain = (np.float32(light.gain) * vignette)[..., None] * np.array(light.tint, dtype=np.float32)
    image *= gain
    blur = rng.uniform(0.25, 0.75) * max(1.0, height / 512)
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), blur), dtype=np.float32)
    image += np.float32(rng.uniform(1.5, 6)) * rng.standard_normal(size=image.shape, dtype=np.float32)
    return np.clip(image, 0, 255).astype(np.uint8)


def _texture(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """(H, W) float32 noise of three scales, standard deviation about 1."""
    texture = 0.6 * rng.standard_normal((height, width), dtype=np.float32)
    for rows, weight in ((max(4, height // 4), 0.7), (max(4, height // 24), 0.6)):
        coarse = rng.standard_normal((rows, max(4, rows * width // height)), dtype=np.float32)
        texture += np.float32(weight) * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return texture
