"""Bilinear resizing between maps of different strides, without shifting anything.

A 3×3 convolution of stride 2, padded by 1, looks at pixels 0, 2, 4, …: at stride s a map's cells lie on the pixels
0, s, 2s, …. Where the size is a multiple of s plus 1 the first and last cells lie on the first and last pixels, and
resizing from corner to corner is exact. Hence DeepLab's crops of 769 pixels (48·16 + 1).
"""

from torch import Tensor
from torch.nn import functional


def padded_to_grid(images: Tensor, stride: int) -> Tensor:
    """images: (N, C, H, W) → height and width enlarged to a multiple of `stride` plus 1, by zeros below and right."""
    height, width = images.shape[-2:]
    return functional.pad(images, (0, -(width - 1) % stride, 0, -(height - 1) % stride))


def resize_like(maps: Tensor, like: Tensor) -> Tensor:
    """maps: (N, C, h, w) → (N, C, H, W) where `like` is (…, H, W); corners keep their place."""
    size = like.shape[-2:]
    if maps.shape[-2:] == size:
        return maps
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=True)


def cut_like(maps: Tensor, like: Tensor) -> Tensor:
    """maps: (N, C, h, w) → its upper left part (N, C, H, W) where `like` is (…, H, W)."""
    return maps[..., : like.shape[-2], : like.shape[-1]]
