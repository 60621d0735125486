"""Somebody who knows CamVid's labels and works on the labelling page with several tools."""

import math
from typing import Any

import cv2
import numpy as np
from labelling_service import Labeller
from unlabelled_camvid import truth_of

from raymeta.exchange.rasterizer import fill_rings

VOID = 255
SMALL, IGNORED = 40, 12
"""Pixels of a box below which a mistake is painted over with the brush, and below which nobody bothers."""
COARSE = 150
"""In a whole image nobody bothers about less than a 150th of it."""
CLEAR = 8
"""Screen pixels between two clicks."""


class CamvidPerson(Labeller):
    """Draws what is true as far as a person would: `clicks` counts what was done, by the page's own names."""

    def answer(self) -> Any:
        """Label the task on screen and send it; gives the answer that has come."""
        region = self.task["region"]
        rows = slice(region["top"], region["top"] + region["height"])
        truth = truth_of(self.task["image_id"])[rows, region["left"] : region["left"] + region["width"]]
        self.clicks: dict[str, int] = {}
        if (truth == VOID).all():
            return self.give_up()
        segments = self.client.get(f"/v1/tasks/{self.task['id']}/prelabels").json()["segments"]
        now = self.reclass(segments, truth) if segments else self.fill_most(truth)
        self.correct(now, truth)
        if segments:
            self.count("confirm")
        return self.send()

    def count(self, kind: str, number: int = 1) -> None:
        self.clicks[kind] = self.clicks.get(kind, 0) + number

    def give_up(self) -> Any:
        self.count("undecidable")
        task_id = self.task["id"]
        self.press("u")
        return self.newest(task_id)

    def choose(self, value: int) -> None:
        """Press the key of a class."""
        self.press("1234567890q"[value])
        self.count("class")

    def fill_most(self, truth: np.ndarray) -> np.ndarray:
        """The commonest class everywhere."""
        value = int(np.bincount(truth[truth != VOID]).argmax())
        self.choose(value)
        self.press("f")
        self.count("fill")
        return np.full_like(truth, value)

    def reclass(self, segments: list[dict[str, Any]], truth: np.ndarray) -> np.ndarray:
        """Click each segment that is mostly something else, and press the key of that."""
        now = np.full_like(truth, VOID)
        for segment in segments:
            mask = self.mask_of(segment)
            now[mask] = segment["class_id"]
        for segment in segments:
            mask = self.mask_of(segment)
            known = truth[mask & (truth != VOID)]
            if not len(known) or segment["size"] < IGNORED:
                continue
            value = int(np.bincount(known).argmax())
            if value == segment["class_id"]:
                continue
            self.click(inner_point(mask))
            self.count("segment")
            self.choose(value)
            now[mask] = value
            self.press("Escape")
        return now

    def mask_of(self, segment: dict[str, Any]) -> np.ndarray:
        region, scale = self.task["region"], self.task["scale"]
        rings = [np.array(ring) * scale - [region["left"], region["top"]] for ring in segment["rings"]]
        return fill_rings(rings, region["height"], region["width"])

    def correct(self, now: np.ndarray, truth: np.ndarray) -> None:
        """Polygons over larger mistakes, the brush over small ones."""
        wrong = (now != truth) & (truth != VOID)
        bothers = truth.size // COARSE if self.task["whole"] else IGNORED
        for value in np.unique(truth[wrong]):
            mask = (wrong & (truth == value)).astype(np.uint8)
            count, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
            order = sorted(range(1, count), key=lambda part: -stats[part, cv2.CC_STAT_AREA])
            for part in order:
                area = int(stats[part, cv2.CC_STAT_AREA])
                if area < bothers:
                    continue
                if area >= SMALL:
                    self.polygon((parts == part).astype(np.uint8), int(value))
                else:
                    self.dab(parts == part, int(value))

    def polygon(self, mask: np.ndarray, value: int) -> None:
        """Click the simplified outline; Alt keeps corners where they are put."""
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        ring = cv2.approxPolyDP(contours[0], 1.8 if self.task["whole"] else 1.2, closed=True)[:, 0] + 0.5
        if len(ring) < 3:
            return
        centre = ring.mean(axis=0)
        grown = np.clip(ring + 0.3 * np.sign(ring - centre), 0.1, [mask.shape[1] - 0.1, mask.shape[0] - 0.1])
        corners = self.apart(grown)
        if len(corners) < 3:
            return
        self.choose(value)
        self.tool("polygon", "p")
        self.click(*corners, modifiers="Alt")
        self.press("Enter")
        self.count("vertex", len(corners))

    def apart(self, ring: np.ndarray) -> list[tuple[float, float]]:
        """Corners that lie so far apart on the screen that two clicks are no double click."""
        corners: list[tuple[float, float]] = []
        for point in map(tuple, ring.tolist()):
            if not corners or math.dist(self.screen(*corners[-1]), self.screen(*point)) > CLEAR:
                corners.append(point)
        return corners

    def dab(self, mask: np.ndarray, value: int) -> None:
        """One touch of the brush."""
        self.choose(value)
        self.tool("brush", "b")
        point = inner_point(mask)
        self.stroke(point, point)
        self.count("brush")

    def tool(self, name: str, key: str) -> None:
        if self.page.locator(".annotate-place").get_attribute("data-tool") != name:
            self.press(key)


def inner_point(mask: np.ndarray) -> tuple[float, float]:
    """The centre of the pixel that is farthest from the outside."""
    distance = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return float(column) + 0.5, float(row) + 0.5
