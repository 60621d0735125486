"""raymeta: label the boxes that make a segmentation network good for the fewest clicks.

What a notebook needs, imported when it is first used; nothing here imports Ray.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from raymeta.acquisition.aggregated_maps import aggregate as aggregate
    from raymeta.acquisition.box_selection import select_boxes as select_boxes
    from raymeta.acquisition.candidate_boxes import greedy_boxes as greedy_boxes
    from raymeta.acquisition.pool_scoring import ImageScore as ImageScore
    from raymeta.acquisition.pool_scoring import largest_box_clicks as largest_box_clicks
    from raymeta.acquisition.pool_scoring import score_image as score_image
    from raymeta.annotation.click_estimation import estimate_clicks as estimate_clicks
    from raymeta.annotation.clicks import AnnotatedScene as AnnotatedScene
    from raymeta.annotation.clicks import Clicks as Clicks
    from raymeta.annotation.clicks import LabelMapScene as LabelMapScene
    from raymeta.annotation.clicks import count_clicks as count_clicks
    from raymeta.boxes import Box as Box
    from raymeta.config import load_config as load_config
    from raymeta.loop.opened_run import OpenedRun as OpenedRun
    from raymeta.loop.opened_run import open_run as open_run
    from raymeta.metaseg.meta_regression import MetaRegressor as MetaRegressor
    from raymeta.metaseg.segment_metrics import segment_metrics as segment_metrics
    from raymeta.metaseg.segments import Segments as Segments
    from raymeta.metaseg.segments import find_segments as find_segments
    from raymeta.predictions.selection import select as select
    from raymeta.predictions.selection_config import load_selection as load_selection

_PLACES = {
    "aggregate": "acquisition.aggregated_maps",
    "select_boxes": "acquisition.box_selection",
    "greedy_boxes": "acquisition.candidate_boxes",
    "ImageScore": "acquisition.pool_scoring",
    "largest_box_clicks": "acquisition.pool_scoring",
    "score_image": "acquisition.pool_scoring",
    "estimate_clicks": "annotation.click_estimation",
    "AnnotatedScene": "annotation.clicks",
    "Clicks": "annotation.clicks",
    "LabelMapScene": "annotation.clicks",
    "count_clicks": "annotation.clicks",
    "Box": "boxes",
    "load_config": "config",
    "OpenedRun": "loop.opened_run",
    "open_run": "loop.opened_run",
    "MetaRegressor": "metaseg.meta_regression",
    "segment_metrics": "metaseg.segment_metrics",
    "Segments": "metaseg.segments",
    "find_segments": "metaseg.segments",
    "load_selection": "predictions.selection_config",
    "select": "predictions.selection",
}
"""Public name → the module that defines it."""

__all__ = ["__version__", *sorted(_PLACES)]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'raymeta' has no attribute {name!r}")
    value = getattr(import_module(f"raymeta.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
