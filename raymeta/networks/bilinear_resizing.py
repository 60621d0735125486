"""Bilinear resizing of feature maps and scores to the size of another map."""

from torch import Tensor
from torch.nn import functional


def resize_like(maps: Tensor, like: Tensor) -> Tensor:
    """maps: (N, C, h, w) → (N, C, H, W) where `like` is (…, H, W); pixel centres keep their place."""
    size = like.shape[-2:]
    if maps.shape[-2:] == size:
        return maps
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)
