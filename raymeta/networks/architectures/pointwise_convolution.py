"""A 1×1 convolution as a product of matrices.

With one thread torch's own takes its slow way, and gives a layout for which the layers around it are slow too.
"""

from torch import Tensor, nn
from torch.nn import functional


class PointwiseConvolution(nn.Conv2d):
    """1×1 convolution of stride 1, stored channels last in and out; weights as of `nn.Conv2d`."""

    def __init__(self, before: int, after: int, *, bias: bool = True) -> None:
        super().__init__(before, after, 1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """input: (N, before, H, W) → (N, after, H, W)."""
        pixels = input.permute(0, 2, 3, 1)
        return functional.linear(pixels, self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)
