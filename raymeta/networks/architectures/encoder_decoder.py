"""An encoder that knows ImageNet and a decoder that learns the classes, for any image size."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from raymeta.networks.architectures.bilinear_resizing import cut_like, padded_to_grid, resize_like
from raymeta.networks.folded_batch_norm import folded
from raymeta.networks.segmentation_network import Encoded, InputSpec, SegmentationNetwork, every, pooled


class Encoder(Protocol):
    """Features of several strides, whose cells lie as `bilinear_resizing` tells."""

    def __call__(self, images: Tensor) -> Sequence[Tensor]: ...


class EncoderDecoder(SegmentationNetwork):
    """Encoder and decoder; a frozen encoder stays as it starts, and its features may be kept.

    Frozen, features are rounded to float16, whether they are kept or not: scores are the same either way.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        num_classes: int,
        spec: InputSpec,
        stride: int,
        *,
        frozen: bool = False,
        scale: float = 1.0,
    ) -> None:
        """stride: of the coarsest features. scale: the encoder sees images enlarged by about this factor."""
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.num_classes = num_classes
        self.spec = spec
        self.stride = stride
        self.frozen_encoder = frozen
        self.scale = scale
        self._folded: list[nn.Module] = []  # in a list: as a part of this module its weights would be saved, too
        if frozen:
            encoder.requires_grad_(False).eval()  # a new module is in training mode
            encoder.register_load_state_dict_post_hook(self._forget_folded)

    def train(self, mode: bool = True) -> "EncoderDecoder":
        """As for any module; a frozen encoder keeps its batch norm's statistics and drops nothing.

        It is never in training mode, not even for a moment: another thread may be encoding the first batch.
        """
        if not self.frozen_encoder:
            super().train(mode)
            return self
        self.training = mode
        for child in self.children():
            if child is not self.encoder:
                child.train(mode)
        return self

    def forward(self, images: Tensor | Encoded) -> Tensor:
        """images: (N, 3, H, W) float32, normalised, or what `encode` made of them → (N, C, H, W) logits."""
        stride = 1
        if isinstance(images, Encoded):
            height, width, found, stride = images.height, images.width, images.features, images.stride
        else:
            height, width = images.shape[-2:]
            found = self.encode(images) if self.frozen_encoder else self.encoder(self._on_grid(images))
        scores: Tensor = self.decoder([feature.float() for feature in found])
        if isinstance(images, Encoded) and images.part:
            return resize_like(scores, found[0])
        rows, columns = every(height, stride), every(width, stride)
        if self.scale != 1:  # the grid ends where the image ends
            size = (len(rows), len(columns))
            return functional.interpolate(scores, size=size, mode="bilinear", align_corners=True)
        like = scores.new_empty((1, 1, height, width), device="meta")
        logits = cut_like(resize_like(scores, padded_to_grid(like, self.stride)), like)
        return logits if stride == 1 else logits[..., rows, :][..., columns]

    def encode(self, images: Tensor) -> tuple[Tensor, ...]:
        """See `SegmentationNetwork.encode`."""
        if not self.frozen_encoder:
            return super().encode(images)
        if not self._folded:
            self._folded = [folded(self.encoder)]
        encoder = self._folded[0]
        with torch.no_grad():
            return tuple(feature.half() for feature in encoder(self._on_grid(images)))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "EncoderDecoder":
        """What moves or casts the network: the folded encoder is made anew."""
        self._folded = []
        super()._apply(fn, recurse)
        return self

    def _forget_folded(self, *_: object) -> None:
        self._folded = []

    def cell_places(self, side: int, cells: int) -> NDArray[np.int64]:
        """See `SegmentationNetwork.cell_places`."""
        size = padded_to_grid(torch.empty((1, 1, side, 1), device="meta"), self.stride).shape[2]
        end = size - 1 if self.scale == 1 else side - 1  # a scaled grid ends where the image ends
        return np.round(np.linspace(0, end, cells)).astype(np.int64)

    def pooled_features(self, images: Tensor) -> Tensor:
        """Of the coarsest features."""
        return pooled(self.encoder(self._on_grid(images))[-1])

    def _on_grid(self, images: Tensor) -> Tensor:
        """A multiple of the stride plus 1 pixels high and wide: padded, or where a scale is wanted, resized to it."""
        if self.scale == 1:
            return padded_to_grid(images, self.stride)
        size = [self.stride * max(1, round((side * self.scale - 1) / self.stride)) + 1 for side in images.shape[-2:]]
        return functional.interpolate(images, size=size, mode="bilinear", align_corners=True)

    def foreign_weights(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Take a published encoder; the decoder keeps its initial weights."""
        rename = getattr(self.encoder, "published_weights", None)
        encoder = None if rename is None else rename(weights)
        if encoder is None:
            return None
        own = {name: value.detach().clone() for name, value in self.state_dict().items()}
        fresh = {name: value for name, value in own.items() if not name.startswith("encoder.")}
        return {**fresh, **{f"encoder.{name}": value for name, value in encoder.items()}}
