"""What the HTTP side asks of the scoring side, and what comes back: plain values that travel between processes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

from raymeta.config import ClicksPriority

MapName = Literal["joint", "metaseg", "clicks", "entropy", "predicted_iou", "segmentation"]
MapFormat = Literal["png", "overlay", "npz", "json"]
Work = Literal["map", "boxes", "segments"]
MAP_NAMES: tuple[MapName, ...] = get_args(MapName)


@dataclass(frozen=True)
class ScoringRequest:
    """One image to score: of the pool (`image_id`) or uploaded (`image`, encoded PNG or JPEG).

    labelled_mask: encoded image, non-zero where labelled; pool images have the run's own. iteration: None is the live
    one. strategy, box_width, clicks_priority: None is the run's. limit: boxes, or segments. min_size: pixels.
    """

    work: Work
    image: bytes | None = None
    image_id: str | None = None
    labelled_mask: bytes | None = None
    iteration: int | None = None
    strategy: str | None = None
    box_width: int | None = None
    clicks_priority: ClicksPriority | None = None
    map_name: MapName = "joint"
    map_format: MapFormat = "png"
    limit: int = 20
    min_size: int = 1


@dataclass(frozen=True)
class ScoringAnswer:
    """A finished response body, made by `iteration`; None only where none can be served.

    headers: of HTTP. seconds: of each stage. cached: whether the maps were at hand from an earlier request.
    """

    status: int
    content: bytes
    media_type: str
    iteration: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    cached: bool = False


@dataclass(frozen=True)
class ReplicaStatus:
    """What one scoring replica serves.

    iteration: the live one, None before the run has finished its first. refused: reason by iteration.
    """

    replica: str
    iteration: int | None
    refused: Mapping[int, str] = field(default_factory=dict)


class ScoringBackend(Protocol):
    """Whatever scores images for the HTTP side."""

    async def score(self, request: ScoringRequest) -> ScoringAnswer:
        """Answer one request.

        Raises:
            BackendBusyError: too many requests wait, or no replica is up.
        """

    async def status(self) -> list[ReplicaStatus]:
        """One entry a replica that answers; none where no replica is up."""

    async def metrics(self) -> list[str] | None:
        """Prometheus text of every HTTP process of the service; None where there is only the asking one."""
