"""Colours of classes that a class list gives none: as far apart as can be, and the same for the same list always.

Each colour of the table is the one of a grid that is farthest (CIEDE2000) from all before it, in the manner of
Glasbey et al. (2007), "Colour displays for categorical images". So every beginning of the table is spread out, and a
class keeps its colour when others are added behind it. The table is kept, not computed: no version of a library
changes it. A test makes it anew.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

MIN_DISTANCE: Final = 12.0
"""CIEDE2000 between a colour of the table and those that a list names itself."""
_HEX: Final = """
0033cc 00dd00 990000 ff9900 005500 00cccc ff5555 aaaaff 775500 eedd00 881155 006666 ffaacc 339966 0077cc
889900 886699 44bbff bbcc99 cc5500 ffccaa aa8855 00ffbb aa00ff 995555 667744 4499aa cc6688 ee88ff 771199
6666ff 005577 ff8855 444477 dd0055 bb1199 ccaa33 118800 99eeff bbee33 eeccff bb7766 dd0011 887700 7788bb
884411 77ccaa 991133 007755 bb88bb aa66dd 66bb66 555511 889966 ff9999 664466 ffdd99 5566aa 5599ff cc7700
007799 99ee88 886644 995577 00aa99 bbaa77 00ccee cc9977 ff4411 ff77bb aabb55 7755bb 008888 ee0088 bbeecc
00aa00 ffbb33 77eedd 3399cc bb8800 335533 bb1166 aaccff ddaa66 ff4477 bb5544 dddd77 446600 dd22ff 6600ee
774433 bb55aa aa88ff 00dd77 0055ee 004499 77aa88 bbaadd 884488 773344 77bb00 664422 668822 aa6622 cc7744
005544 ccccff 00bb88 cc8899 7788ff 8877bb 77ff22 227733 dd7777 bb2233 ff7700 ffbbaa 996655 aa3300 9933bb
887744 bbcc00 ee2244 ffaa66 6644ff eeaaee 559944 dd9988 cc5566 3377ff 665588 aa9944 88ccee 888844 dd66dd
ff7799 663377 880077 00eeff cc00cc eecc55 55aaaa 33ff77 553399 ccee88 aa7755 448877 994433 00ddbb 226699
bb88dd aa7799 aaaa00 9999cc 88aadd 99cc77 558855 88aa55 00aa55 776622 dd6644 ff1122 dd9911 88dddd bb4488
996600 aa5522 9955aa aa6677 ff4499 ccbb66 88eebb 5588bb dd11aa dd66aa 9955ff 44aacc ff8877 445522 bb4466
88dd33 cc77ff 8877ee eeaa88 882222 ccbb00 99cc99 667700 5544cc ccaaff ddcc99 773366 ee99aa 993355 666633
ddaacc ffccee 008899 bb6644 559900 bb0011 3388aa 6677cc 66bbaa ff33ff 66bbcc aaaa66 883311 ee6622 665522
2266cc 666600 ff77dd 006633 aa7733 dd4422 445588 bb0044 444499 446633 2233ff dd8866 bb7777 997722 aa77bb
7766aa bbeeaa ffbb66 cc8844 008855 885511 777733 9988bb 993377 ddddaa dd4477 885533 774499 bb9955 ff6677
7733bb 55cc88 dd88bb 4455bb 998800 8866cc 337766 6600bb ffbbbb 8844dd 00bb44 773333 bb6699 337700 992299
"""
TABLE: Final = tuple(_HEX.split())
"""255 colours as rrggbb: lightness 30 to 90 and chroma from 25 on, away from what black, white, grey and the boxes'
magenta mean on pictures."""


def with_automatic_colors(named: Sequence[Sequence[int] | None]) -> NDArray[np.uint8]:
    """The colours of a class list, those that it leaves out filled in.

    Args:
        named: RGB 0..255 of each class, None where the list says nothing.

    Returns:
        (C, 3) uint8 RGB. Explicit ones as they are; the others the first of the table that are unlike them.
    """
    explicit = [tuple(color) for color in named if color is not None]
    free = iter(_unlike(explicit, len(named) - len(explicit)))
    return np.array([next(free) if color is None else color for color in named], dtype=np.uint8)


def _unlike(explicit: Sequence[tuple[int, ...]], count: int) -> list[list[int]]:
    """The first colours of the table that differ clearly from some others; where they run out, any."""
    table = np.array([list(bytes.fromhex(color)) for color in TABLE], dtype=np.uint8)
    if explicit and count:
        from skimage.color import deltaE_ciede2000, rgb2lab  # slow to load, and seldom wanted

        others = rgb2lab(np.array(explicit, dtype=np.uint8)[None])
        distances = deltaE_ciede2000(rgb2lab(table[:, None]), others).min(axis=1)
        clear = distances >= MIN_DISTANCE
        table = np.concatenate([table[clear], table[~clear]])
    return [[int(channel) for channel in color] for color in table[:count]]
