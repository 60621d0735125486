"""The strategies by their names, and what each of them stands for."""

from typing import Final, Literal, NamedTuple, get_args

StrategyName = Literal[
    "random_box",
    "entropy_box",
    "entropy_box_plus",
    "metabox",
    "metabox_plus",
    "entropy_box_plus_star",
    "metabox_plus_star",
    "full_set",
]
STRATEGY_NAMES: tuple[str, ...] = get_args(StrategyName)
"""The paper's, and the reference."""
PointStrategyName = Literal["points", "random_points"]
POINT_STRATEGIES: tuple[str, ...] = get_args(PointStrategyName)
SegmentStrategyName = Literal["segments", "random_segments", "superpixels", "random_superpixels"]
SEGMENT_STRATEGIES: tuple[str, ...] = get_args(SegmentStrategyName)
RunStrategyName = Literal[StrategyName, PointStrategyName, SegmentStrategyName, "custom"]
"""What a run may name: a preset, or `custom`, which sets nothing."""
CUSTOM: Final = "custom"
DEFAULT_STRATEGY: Final = "superpixels"
"""Of who names neither a strategy nor a gain: what needed fewest clicks (docs/study_fewer_clicks.md)."""
GainName = Literal["random", "entropy", "margin", "metaseg"]
CostName = Literal["none", "estimated", "learned", "true"]
UnitName = Literal["box", "point", "segment", "superpixel"]
Asked = Literal["boxes", "points", "segments", "superpixels"]
ASKED: Final[dict[UnitName, Asked]] = {
    "box": "boxes",
    "point": "points",
    "segment": "segments",
    "superpixel": "superpixels",
}
"""What a query asks for, as words for people say it."""
BOX_WIDTHS: Final[dict[UnitName, int]] = {"box": 128, "point": 48, "segment": 48, "superpixel": 96}
"""Where nothing else is said, for 1,024 rows: the paper's boxes have H/8, tiles of segments H/22 as in the study, and
so have superpixels themselves, in tiles twice as wide. Points lie as far apart as segments."""
ASKED_ONE: Final[dict[Asked, str]] = {many: one for one, many in ASKED.items()}
"""One of them."""


class Preset(NamedTuple):
    """What a strategy's name stands for.

    gain: none: asks for no boxes. cost: what it weighs. unit: what is asked. weighs_classes: by their predicted shares,
    with power 1.
    """

    gain: GainName | None
    cost: CostName
    unit: UnitName = "box"
    weighs_classes: bool = False


PRESETS: Final[dict[RunStrategyName, Preset]] = {
    "random_box": Preset("random", "none"),
    "entropy_box": Preset("entropy", "none"),
    "entropy_box_plus": Preset("entropy", "estimated"),
    "metabox": Preset("metaseg", "none"),
    "metabox_plus": Preset("metaseg", "estimated"),
    "entropy_box_plus_star": Preset("entropy", "true"),
    "metabox_plus_star": Preset("metaseg", "true"),
    "full_set": Preset(None, "none"),
    "points": Preset("margin", "none", "point", weighs_classes=True),
    "random_points": Preset("random", "none", "point"),
    "segments": Preset("margin", "none", "segment", weighs_classes=True),
    "random_segments": Preset("random", "none", "segment"),
    "superpixels": Preset("margin", "none", "superpixel", weighs_classes=True),
    "random_superpixels": Preset("random", "none", "superpixel"),
    "custom": Preset(None, "none"),
}

FILLED: Final = ("unit", "class_weights", "box_width")
"""Keys that a preset fills where they are left out; gain and cost are looked up instead."""
