"""Maps as response bodies: grey or palette PNG, heat colours over the image, npz, JSON."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raymeta.service.http.refusals import unprocessable
from raymeta.service.scoring.scoring_request import MapFormat, MapName

PNG_LEVEL: Final = 1
"""zlib level: maps of 480×360 take 2 ms at level 1 and three times as long at 6, for a few percent of the bytes."""
MAX_JSON_VALUES: Final = 1_000_000
HEAT_SHARE: Final = 0.6
CLASS_SHARE: Final = 0.65


@dataclass(frozen=True)
class RenderedMap:
    """A response body; `scale` is the value that 255 stands for in a grey PNG."""

    content: bytes
    media_type: str
    scale: float


def render_map(
    name: MapName,
    values: NDArray[Any],
    map_format: MapFormat,
    image: NDArray[np.uint8],
    palette: NDArray[np.uint8],
    facts: Mapping[str, Any],
) -> RenderedMap:
    """One map of `score_image` in the format asked for.

    values: (H, W), or (H-b+1, W-b+1) for `joint`; float in [0, 1] (joint: any ≥ 0), class ids for `segmentation`.
    image: (H, W, 3) uint8 RGB. palette: (C, 3) uint8 RGB. facts: scalars that npz and JSON carry beside the map.

    Raises:
        RequestRefusedError: 422, a map with too many values for JSON.
    """
    scale = _scale(name, values)
    if map_format == "npz":
        return RenderedMap(_npz(_stored(name, values), facts), "application/x-npz", scale)
    if map_format == "json":
        return RenderedMap(_json(name, values, facts), "application/json", scale)
    if name == "segmentation":
        drawn = _class_png(values, palette) if map_format == "png" else _encode(_classes_over(image, values, palette))
    elif map_format == "png":
        drawn = encode_png(to_grey(values, scale))
    else:
        drawn = _encode(_heat_over(image, to_grey(values, scale), name))
    return RenderedMap(drawn, "image/png", scale)


def to_grey(values: NDArray[Any], scale: float) -> NDArray[np.uint8]:
    """(H, W) uint8: 0 → 0, `scale` → 255, rounded; all 0 where the scale is 0."""
    return np.rint(values * (255.0 / scale if scale > 0 else 0.0)).astype(np.uint8)


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """(H, W) grey or (H, W, 3) BGR uint8 as PNG."""
    return bytes(cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL])[1])


def rgb_png(image: NDArray[np.uint8]) -> bytes:
    """(H, W, 3) uint8 RGB as PNG."""
    return encode_png(np.ascontiguousarray(image[..., ::-1]))


def thumbnail(image: NDArray[np.uint8], max_side: int) -> NDArray[np.uint8]:
    """(h, w, 3) uint8, aspect kept, no side above `max_side`; a smaller image stays as it is."""
    height, width = image.shape[:2]
    factor = max_side / max(height, width)
    if factor >= 1:
        return image
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _scale(name: MapName, values: NDArray[Any]) -> float:
    if name == "segmentation":
        return 255.0
    return float(values.max()) if name == "joint" else 1.0


def _stored(name: MapName, values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.uint8 if name == "segmentation" else np.float32, copy=False)


def _npz(values: NDArray[Any], facts: Mapping[str, Any]) -> bytes:
    sink = io.BytesIO()
    scalars = {name: np.array(value) for name, value in facts.items() if value is not None}
    np.savez(sink, allow_pickle=False, map=values, **scalars)
    return sink.getvalue()


def _json(name: MapName, values: NDArray[Any], facts: Mapping[str, Any]) -> bytes:
    if values.size > MAX_JSON_VALUES:
        raise unprocessable(
            f"format json: the map has {values.size} values, at most {MAX_JSON_VALUES} are written as JSON: "
            "ask for format=npz"
        )
    stored = _stored(name, values)
    return json.dumps({**facts, "map": stored.tolist()}, separators=(",", ":")).encode()


def _class_png(labels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    picture = Image.fromarray(labels)
    picture.putpalette(palette.tobytes())
    sink = io.BytesIO()
    picture.save(sink, "PNG", compress_level=PNG_LEVEL)
    return sink.getvalue()


def _encode(rgb: NDArray[np.uint8]) -> bytes:
    return rgb_png(rgb)


def _classes_over(image: NDArray[np.uint8], labels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    colours = np.full((256, 3), 128, dtype=np.uint8)
    colours[: len(palette)] = palette
    return np.asarray(cv2.addWeighted(image, 1 - CLASS_SHARE, colours[labels], CLASS_SHARE, 0.0), dtype=np.uint8)


def _heat_over(image: NDArray[np.uint8], grey: NDArray[np.uint8], name: MapName) -> NDArray[np.uint8]:
    """Heat colours over the image; a box map lies at the centres of its boxes, the rim that holds none is dimmed."""
    heat = cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS if name == "predicted_iou" else cv2.COLORMAP_MAGMA)
    over = cv2.convertScaleAbs(image, alpha=1 - HEAT_SHARE)
    top, left = (image.shape[0] - grey.shape[0]) // 2, (image.shape[1] - grey.shape[1]) // 2
    place = slice(top, top + grey.shape[0]), slice(left, left + grey.shape[1])
    over[place] = cv2.addWeighted(image[place], 1 - HEAT_SHARE, heat[..., ::-1], HEAT_SHARE, 0.0)
    return np.asarray(over, dtype=np.uint8)
