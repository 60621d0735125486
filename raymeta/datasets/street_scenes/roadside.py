"""What stands beside the road: trees, hedges, walls, fences, poles, signs and traffic lights."""

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.street_scenes.canvas import Canvas, Color, jitter, scaled

LEAVES: tuple[Color, ...] = ((66, 92, 42), (86, 104, 52), (52, 74, 40), (110, 108, 50), (120, 90, 48))
SIGNS: tuple[Color, ...] = ((190, 30, 36), (28, 70, 150), (230, 190, 40), (235, 235, 235), (30, 110, 70))
METAL: Color = (112, 114, 116)


def _blob(rng: np.random.Generator, corners: int) -> NDArray[np.float64]:
    """(corners, 2) an irregular round outline of radius about 1."""
    angle = 2 * np.pi / corners * (np.arange(corners) + rng.uniform(-0.3, 0.3, corners))
    strength, phase = rng.normal(0, 0.11, 4), rng.uniform(0, 2 * np.pi, 4)
    waves = np.cos(np.outer(angle, (2, 3, 5, 8)) + phase) @ strength
    radius = 1.0 + waves + rng.normal(0, 0.05, corners)
    return radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])


def draw_tree(canvas: Canvas, x: float, z: float) -> None:
    """Draw and annotate a tree: trunk and crown, both vegetation, at x, z (metres)."""
    rng = canvas.rng
    height = rng.uniform(4.5, 12)
    radius = np.array([rng.uniform(0.22, 0.36) * height, rng.uniform(0.26, 0.36) * height])
    trunk_width, top = rng.uniform(0.1, 0.25), height - 1.5 * radius[1]
    leaf = scaled(jitter(rng, LEAVES[int(rng.integers(len(LEAVES)))], 8), canvas.light.shade(-np.sign(x)))
    shadow = [
        (x - canvas.light.sun * radius[0] * (0.8 + np.cos(a)), 0, z + np.sin(a) * radius[0] * 0.7)
        for a in np.arange(8) * 0.785
    ]
    canvas.darken(canvas.camera.project(shadow), 0.62)

    trunk = canvas.camera.project(
        [
            (x - trunk_width, 0, z),
            (x - 0.8 * trunk_width, top, z),
            (x + 0.8 * trunk_width, top, z),
            (x + trunk_width, 0, z),
        ]
    )
    if canvas.annotate("vegetation", trunk):
        canvas.fill(trunk, jitter(rng, (82, 70, 58), 10), z, 20)

    def crown(shape: NDArray[np.float64], center: tuple[float, float], size: float) -> NDArray[np.float64]:
        points = np.array([x, height - radius[1]]) + radius * (np.array(center) + size * shape)
        return canvas.camera.project(np.column_stack([points, np.full(len(points), z)]))

    outline = crown(_blob(rng, int(rng.integers(22, 52))), (0.0, 0.0), 1.0)
    if not canvas.annotate("vegetation", outline):
        return
    canvas.fill(outline, scaled(leaf, 0.8), z, 38)
    if canvas.camera.pixels(height, z) > 24:
        for _ in range(9):
            at = (rng.uniform(-0.6, 0.6), rng.uniform(-0.6, 0.6))
            bright = 0.75 + 0.25 * canvas.light.sun * at[0] + 0.35 * at[1] + rng.uniform(0.1, 0.35)
            canvas.fill(crown(_blob(rng, 14), at, rng.uniform(0.16, 0.36)), scaled(leaf, bright), z, 42)


def draw_hedge(canvas: Canvas, x: float, near: float, far: float) -> None:
    """Draw and annotate a hedge at x (metres), from depth `near` to `far`."""
    rng = canvas.rng
    depths = np.geomspace(near, far, 18)
    tops = rng.uniform(0.9, 2.6) + rng.normal(0, 0.14, 18)
    upper = np.stack([np.full(18, x), tops, depths], axis=1)
    outline = canvas.camera.project(np.concatenate([upper, [[x, 0.0, far], [x, 0.0, near]]]))
    if not canvas.annotate("vegetation", outline):
        return
    canvas.fill(outline, scaled(LEAVES[int(rng.integers(3))], canvas.light.shade(-np.sign(x))), (near + far) / 2, 36)


def draw_barrier(canvas: Canvas, label: str, x: float, near: float, far: float) -> None:
    """Draw and annotate a `wall` or a `fence` at x (metres), from depth `near` to `far`."""
    rng = canvas.rng
    height, depth = rng.uniform(1.0, 2.4), (near + far) / 2
    outline = canvas.camera.project([(x, 0, near), (x, height, near), (x, height, far), (x, 0, far)])
    if not canvas.annotate(label, outline):
        return
    if label == "wall":
        color = scaled(jitter(rng, (142, 134, 124), 18), canvas.light.shade(-np.sign(x)))
        canvas.fill(outline, color, depth, 14)
        cap = canvas.camera.project(
            [(x, height - 0.15, near), (x, height, near), (x, height, far), (x, height - 0.15, far)]
        )
        canvas.fill(cap, scaled(color, 0.75), depth, 8)
        return
    # What lies behind shows between the bars, yet all of it is annotated as fence.
    color = jitter(rng, (96, 94, 92), 25)
    bars = np.arange(near, far, max(0.3, 2.5 * depth / canvas.camera.focal))[:160]
    quads = [canvas.camera.project([(x, 0, z), (x, height, z), (x, height, z + 0.08), (x, 0, z + 0.08)]) for z in bars]
    quads += [
        canvas.camera.project([(x, y, near), (x, y + 0.09, near), (x, y + 0.09, far), (x, y, far)])
        for y in (0.12, 0.5 * height, height - 0.12)
    ]
    for quad in quads:
        canvas.fill(quad, color, depth, 6)


def draw_pole(canvas: Canvas, x: float, z: float, carries: str) -> None:
    """Draw and annotate a pole at x, z (metres) that carries a `lamp`, a `traffic sign` or a `traffic light`."""
    rng = canvas.rng
    heights = {
        "lamp": rng.uniform(5.5, 9),
        "traffic sign": rng.uniform(2.3, 3.3),
        "traffic light": rng.uniform(2.9, 3.8),
    }
    height, half = heights[carries], 0.09 if carries == "lamp" else 0.055
    half = max(half, 0.5 * z / canvas.camera.focal)  # at least a pixel wide
    color = jitter(rng, METAL, 22)
    outline = canvas.camera.project([(x - half, 0, z), (x - half, height, z), (x + half, height, z), (x + half, 0, z)])
    if canvas.annotate("pole", outline):
        canvas.fill(outline, color, z, 5)
    if carries == "lamp":
        reach = -np.sign(x) * rng.uniform(1.0, 2.2)
        arm = canvas.camera.project(
            [(x, height - 2 * half, z), (x, height, z), (x + reach, height + 0.25, z), (x + reach, height + 0.1, z)]
        )
        if canvas.annotate("pole", arm):
            canvas.fill(arm, color, z, 5)
    elif carries == "traffic sign":
        _draw_sign(canvas, x, height, z)
    else:
        _draw_traffic_light(canvas, x, height, z)


def _draw_sign(canvas: Canvas, x: float, height: float, z: float) -> None:
    rng = canvas.rng
    corners = int(rng.choice([3, 4, 4, 12, 12]))
    radius = rng.uniform(0.3, 0.48)
    angle = 2 * np.pi * np.arange(corners) / corners + (np.pi / 4 if corners == 4 else np.pi / 2)
    color = SIGNS[int(rng.integers(len(SIGNS)))]
    for share, paint in ((1.0, color), (0.68, jitter(rng, (232, 232, 228), 8) if rng.random() < 0.6 else color)):
        circle = np.stack(
            [x + share * radius * np.cos(angle), height - 0.2 + share * radius * np.sin(angle), np.full(corners, z)],
            axis=1,
        )
        outline = canvas.camera.project(circle)
        if share == 1.0 and not canvas.annotate("traffic sign", outline):
            return
        canvas.fill(outline, paint, z, 3)


def _draw_traffic_light(canvas: Canvas, x: float, height: float, z: float) -> None:
    box = [
        (x - 0.17, height - 0.85, z),
        (x - 0.17, height + 0.1, z),
        (x + 0.17, height + 0.1, z),
        (x + 0.17, height - 0.85, z),
    ]
    outline = canvas.camera.project(box)
    if not canvas.annotate("traffic light", outline):
        return
    canvas.fill(outline, (24, 26, 26), z, 3)
    shining = int(canvas.rng.integers(3))
    colors = ((250, 60, 50), (250, 190, 50), (70, 235, 150))
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    for index, color in enumerate(colors):
        lamp = np.stack(
            [x + 0.11 * np.cos(angle), height - 0.08 - 0.29 * index + 0.11 * np.sin(angle), np.full(8, z)], axis=1
        )
        canvas.fill(canvas.camera.project(lamp), color if index == shining else scaled(color, 0.25), z, 3)


def draw_bin(canvas: Canvas, x: float, z: float) -> None:
    """Draw and annotate a litter bin or a crate, `static` in Cityscapes: not evaluated, but it covers."""
    width, height = canvas.rng.uniform(0.2, 0.45), canvas.rng.uniform(0.7, 1.3)
    outline = canvas.camera.project(
        [(x - width, 0, z), (x - width, height, z), (x + width, height, z), (x + width, 0, z)]
    )
    if canvas.annotate("static", outline):
        canvas.fill(outline, jitter(canvas.rng, (80, 84, 82), 30), z, 8)
