"""What a street scene is drawn on: colours, surface roughness, and the annotated polygons in painting order."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.cityscapes_labels import label_of
from raymeta.datasets.street_scenes.camera import Camera

Color = tuple[float, float, float]
_SHIFT = 3  # fractional bits of the coordinates that OpenCV draws


@dataclass(frozen=True)
class Light:
    """Illumination. sun: -1 from the left, 1 from the right. haze: its colour, and metres until it covers 63 %."""

    sun: float
    contrast: float
    gain: float
    tint: Color
    haze_color: Color
    haze_distance: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Light":
        """Noon to dusk, clear to misty."""
        warmth = rng.normal(0, 0.06)
        grey = rng.uniform(165, 225)
        return cls(
            sun=float(rng.choice([-1.0, 1.0])),
            contrast=rng.uniform(0.05, 0.4),
            gain=rng.uniform(0.55, 1.15),
            tint=(1 + warmth, 1.0, 1 - warmth),
            haze_color=(grey - 8, grey, grey + 6),
            haze_distance=rng.uniform(90, 500),
        )

    def shade(self, normal_x: float) -> float:
        """Brightness of a face whose normal points so far to the right (-1..1)."""
        return 1.0 + self.contrast * (self.sun * normal_x - 0.35)


class Canvas:
    """Colours (H, W, 3) uint8, roughness (H, W) uint8, and annotated polygons (label, (N, 2) int32 x, y)."""

    def __init__(self, camera: Camera, light: Light, rng: np.random.Generator) -> None:
        self.camera = camera
        self.light = light
        self.rng = rng
        self.image = np.zeros((camera.height, camera.width, 3), dtype=np.uint8)
        self.roughness = np.zeros((camera.height, camera.width), dtype=np.uint8)
        self.objects: list[tuple[str, NDArray[np.int32]]] = []

    def fill(self, outline: NDArray[np.float64], color: Color, depth: float, roughness: int = 4) -> None:
        """Fill a polygon, (N, 2) pixels, with a colour seen through the haze of `depth` metres."""
        self.fill_many([outline], color, depth, roughness)

    def fill_many(self, outlines: list[NDArray[np.float64]], color: Color, depth: float, roughness: int = 4) -> None:
        """Fill polygons that don't overlap in one colour."""
        fixed = [np.round(outline * 2**_SHIFT).astype(np.int32) for outline in outlines]
        cv2.fillPoly(self.image, fixed, self._hazy(color, depth), lineType=cv2.LINE_AA, shift=_SHIFT)
        cv2.fillPoly(self.roughness, fixed, (roughness,), shift=_SHIFT)

    def darken(self, outline: NDArray[np.float64], factor: float) -> None:
        """Multiply the colours inside a polygon, (N, 2) pixels, by a factor: a shadow."""
        low = np.clip(np.floor(outline.min(axis=0)).astype(int), 0, [self.camera.width, self.camera.height])
        high = np.clip(np.ceil(outline.max(axis=0)).astype(int) + 1, 0, [self.camera.width, self.camera.height])
        if (high <= low).any():
            return
        part = self.image[low[1] : high[1], low[0] : high[0]]
        mask = np.zeros(part.shape[:2], dtype=np.uint8)
        fixed = np.round((outline - low) * 2**_SHIFT).astype(np.int32)
        cv2.fillPoly(mask, [fixed], (255,), lineType=cv2.LINE_AA, shift=_SHIFT)
        weight = 255 - ((1 - factor) * mask).astype(np.uint8)
        cv2.multiply(part, cv2.merge([weight] * 3), dst=part, scale=1 / 255)

    def annotate(self, label: str, outline: NDArray[np.float64]) -> bool:
        """Record a polygon, (N, 2) pixels, as an annotator would click it.

        Returns False, and records nothing, where it lies outside the image or is too small to see.
        """
        points = _clip(outline, self.camera.height, self.camera.width)
        if len(points) < 3:
            return False
        tolerance = max(0.6, self.camera.height / 800)
        clicked = cv2.approxPolyDP(np.floor(points + 0.5).astype(np.int32), tolerance, True)[:, 0].astype(np.int32)
        if len(clicked) < 3 or cv2.contourArea(clicked) < 2:
            return False
        self.objects.append((label, clicked))
        return True

    def label_ids(self) -> NDArray[np.uint8]:
        """(H, W) uint8 Cityscapes label ids: the annotated polygons, painted in their order."""
        ids = np.zeros((self.camera.height, self.camera.width), dtype=np.uint8)
        for name, points in self.objects:
            label = label_of(name)
            if label is not None:
                cv2.fillPoly(ids, [points], (label.label_id,))
        return ids

    def _hazy(self, color: Color, depth: float) -> Color:
        share = math.exp(-depth / self.light.haze_distance)
        red, green, blue = (
            share * own + (1 - share) * haze for own, haze in zip(color, self.light.haze_color, strict=True)
        )
        return red, green, blue


def _clip(outline: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """The part of a polygon inside the image (Sutherland and Hodgman); vertices (N, 2) pixels."""
    points = outline
    for axis, limit, sign in ((0, 0, 1), (0, width - 1, -1), (1, 0, 1), (1, height - 1, -1)):
        if not len(points):
            break
        inside = sign * (points[:, axis] - limit) >= 0
        if inside.all():
            continue
        kept: list[NDArray[np.float64]] = []
        for index in range(len(points)):
            previous, point = points[index - 1], points[index]
            if inside[index] != inside[index - 1]:
                share = (limit - previous[axis]) / (point[axis] - previous[axis])
                kept.append(previous + share * (point - previous))
            if inside[index]:
                kept.append(point)
        points = np.array(kept).reshape(-1, 2)
    return points


def jitter(rng: np.random.Generator, color: Color, spread: float) -> Color:
    """A colour near another one: brightness and hue vary together with `spread` (0..255)."""
    brightness = rng.normal(0, spread)
    red, green, blue = np.clip(np.array(color) + brightness + rng.normal(0, spread / 3, 3), 0, 255)
    return float(red), float(green), float(blue)


def scaled(color: Color, factor: float) -> Color:
    """A colour made brighter or darker."""
    red, green, blue = (min(255.0, channel * factor) for channel in color)
    return red, green, blue
