"""A client of the HTTP service: numpy arrays and records instead of bytes, and calls that outlive a lost replica.

with Client("http://127.0.0.1:8000") as client:
    joint = client.priority_map(Path("street.png").read_bytes())
    boxes = client.boxes(Path("street.png").read_bytes(), k=10)
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

import httpx
import numpy as np
from numpy.typing import NDArray

from raymeta.service_connection import ServiceConnection, ServiceError
from raymeta.task_client import TaskClient

__all__ = [
    "Client",
    "ServedBox",
    "ServedBoxes",
    "ServedMap",
    "ServedSegment",
    "ServedSegments",
    "ServiceError",
    "TaskClient",
]

MapName = Literal["joint", "metaseg", "clicks", "entropy", "predicted_iou", "segmentation"]


@dataclass(frozen=True)
class ServedMap:
    """values: (H, W) float32, class ids uint8 for `segmentation`; (H-b+1, W-b+1) for `joint`."""

    name: str
    values: NDArray[Any]
    iteration: int
    strategy: str
    box_width: int


@dataclass(frozen=True)
class ServedBox:
    """A proposed box, in pixels; in runs that ask for them the square around a point, or the tile of a part.

    predicted_class, class_name: of a part, what the network sees. rings: of a part, (N, 2) int32 x, y each.
    """

    rank: int
    top: int
    left: int
    width: int
    score: float
    estimated_clicks: int
    unlabelled_pixels: int
    predicted_class: int | None = None
    class_name: str | None = None
    rings: tuple[NDArray[np.int32], ...] = ()


@dataclass(frozen=True)
class ServedBoxes:
    """Boxes of one image, best first. unit: box, point, segment or superpixel."""

    boxes: tuple[ServedBox, ...]
    iteration: int
    strategy: str
    box_width: int
    unit: str = "box"


@dataclass(frozen=True)
class ServedSegment:
    """A predicted segment. metrics: the other columns of the segment table. rings: (N, 2) int32 x, y; outer first."""

    segment_id: int
    class_id: int
    class_name: str
    predicted_iou: float | None
    size: int
    rings: tuple[NDArray[np.int32], ...]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class ServedSegments:
    """Segments of one image; total: before `limit` and `min_size`."""

    segments: tuple[ServedSegment, ...]
    total: int
    iteration: int


class Client:
    """Calls one service.

    Every call is repeated after a lost connection and after 500, 502, 503 and 504, until `deadline_s` has passed since
    it began: none of them does anything the second time. `token`: RAYMETA_TOKEN of the service, or a person's.
    `timeout_s`: of one attempt. `tasks`: what people are asked, and what they answer.
    """

    def __init__(self, url: str, token: str | None = None, timeout_s: float = 60.0, deadline_s: float = 120.0) -> None:
        self._connection = ServiceConnection(url, token, timeout_s, deadline_s)
        self.tasks = TaskClient(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def model(self, iteration: int | None = None) -> dict[str, Any]:
        """What is served: `GET /v1/model`."""
        return dict(self._connection.get("/v1/model", {"iteration": iteration}).json())

    def iterations(self) -> dict[str, Any]:
        """Progress of the run: `GET /v1/iterations`."""
        return dict(self._connection.get("/v1/iterations", {}).json())

    def status(self) -> dict[str, Any]:
        """Whether a process works on the run and at which stage, or whom it waits for: `GET /v1/status`."""
        return dict(self._connection.get("/v1/status", {}).json())

    def pool(self, **parameters: str | int | None) -> dict[str, Any]:
        """A page of the pool: `GET /v1/pool` with its query parameters."""
        return dict(self._connection.get("/v1/pool", parameters).json())

    def query(self, image_id: str | None = None, iteration: int | None = None) -> list[dict[str, Any]]:
        """Boxes that the iteration asks to label, best first: `GET /v1/query`."""
        return list(self._connection.get("/v1/query", {"image_id": image_id, "iteration": iteration}).json()["boxes"])

    def priority_map(self, image: bytes, map: MapName = "joint", **parameters: str | int | None) -> ServedMap:
        """A map of an image; image: bytes of a PNG or JPEG file. parameters: of `POST /v1/priority-map`."""
        asked = {**parameters, "map": map, "format": "npz"}
        return _map(self._connection.post_files("/v1/priority-map", asked, {"image": image}))

    def drawn_map(
        self,
        image: bytes,
        map: MapName = "joint",
        format: Literal["png", "overlay"] = "png",
        **parameters: str | int | None,
    ) -> bytes:
        """A map of an image as PNG file: grey values or class colours, or laid over the image."""
        asked = {**parameters, "map": map, "format": format}
        return self._connection.post_files("/v1/priority-map", asked, {"image": image}).content

    def pool_map(self, image_id: str, map: MapName = "joint", **parameters: str | int | None) -> ServedMap:
        """A map of a pool image, 0 where the run has labelled it."""
        return _map(self._connection.get(f"{_pool_path(image_id)}/map", {**parameters, "map": map, "format": "npz"}))

    def boxes(
        self, image: bytes, k: int = 20, labelled_mask: bytes | None = None, **parameters: str | int | None
    ) -> ServedBoxes:
        """The best boxes of an image, or what else the run asks for.

        labelled_mask: bytes of a PNG of its size, non-zero where it is labelled.
        """
        parts = {"image": image} | ({} if labelled_mask is None else {"labelled_mask": labelled_mask})
        return _boxes(self._connection.post_files("/v1/boxes", {**parameters, "k": k}, parts))

    def pool_boxes(self, image_id: str, k: int = 20, **parameters: str | int | None) -> ServedBoxes:
        """The best boxes of a pool image, or what else the run asks for, outside what it has labelled."""
        return _boxes(self._connection.get(f"{_pool_path(image_id)}/boxes", {**parameters, "k": k}))

    def segments(self, image: bytes, **parameters: int | None) -> ServedSegments:
        """Predicted segments of an image. parameters: `limit`, `min_size`, `iteration`."""
        answer = self._connection.post_files("/v1/segments", parameters, {"image": image}).json()
        return ServedSegments(tuple(map(_segment, answer["segments"])), int(answer["total"]), int(answer["iteration"]))


def _pool_path(image_id: str) -> str:
    return f"/v1/pool/{quote(image_id, safe='')}"


def _map(response: httpx.Response) -> ServedMap:
    with np.load(io.BytesIO(response.content), allow_pickle=False) as arrays:
        return ServedMap(
            name=str(arrays["name"]),
            values=arrays["map"],
            iteration=int(arrays["iteration"]),
            strategy=str(arrays["strategy"]),
            box_width=int(arrays["box_width"]),
        )


def _boxes(response: httpx.Response) -> ServedBoxes:
    answer = response.json()
    boxes = tuple(_box(row) for row in answer["boxes"])
    facts = int(answer["iteration"]), str(answer["strategy"]), int(answer["box_width"])
    return ServedBoxes(boxes, *facts, unit=str(answer.get("unit", "box")))


def _box(row: Mapping[str, Any]) -> ServedBox:
    """Fields that a later service adds are left out, those of parts lack for boxes."""
    named = {field.name: row[field.name] for field in fields(ServedBox) if field.name in row}
    return ServedBox(**named, rings=_rings(row.get("polygon") or ()))


def _rings(polygon: Sequence[Any]) -> tuple[NDArray[np.int32], ...]:
    return tuple(np.array(ring, dtype=np.int32) for ring in polygon)


def _segment(row: Mapping[str, Any]) -> ServedSegment:
    """Numbers are the metrics; what else a later service adds is left out."""
    named = {name: row[name] for name in ("segment_id", "class_id", "class_name", "predicted_iou", "size")}
    rings = _rings(row["polygon"])
    metrics = {name: value for name, value in row.items() if name not in named and isinstance(value, int | float)}
    return ServedSegment(**named, rings=rings, metrics=metrics)
