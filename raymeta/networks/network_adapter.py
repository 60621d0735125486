"""Anybody's network behind the seam: any module that gives a map of scores for a batch of images."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from raymeta.errors import InputError
from raymeta.networks.segmentation_network import IMAGENET, InputSpec, SegmentationNetwork, pooled


class NetworkAdapter(SegmentationNetwork):
    """Pads images to the network's stride, and brings its logits, of any stride, to the images' size.

    What the module may give: logits (N, C, h, w), or a mapping or an object that holds them as `out` or `logits`, or a
    tuple that begins with them. Zeros are padded at the bottom and the right: the mean colour.
    """

    def __init__(
        self,
        module: nn.Module,
        num_classes: int,
        spec: InputSpec = IMAGENET,
        stride: int = 32,
        feature_layer: str | None = None,
    ) -> None:
        """Wrap a module.

        Args:
            module: takes (N, 3, H, W) float32 images, normalised as `spec` says, of sides that `stride` divides.
            num_classes: C.
            spec: mean and deviation of its input.
            stride: its sides are padded to multiples of this many pixels; 1 pads nothing.
            feature_layer: dotted name of a layer whose output (N, channels, h, w) or (N, tokens, channels) says what
                is in an image; None offers no features.

        Raises:
            ValueError: no such layer, or a stride below 1.
        """
        super().__init__()
        if stride < 1:
            raise InputError(f"network.stride {stride}: choose at least 1 pixel")
        self.module = module
        self.num_classes = num_classes
        self.spec = spec
        self.stride = stride
        self.feature_layer = feature_layer
        if feature_layer is not None:
            self._layer(feature_layer)

    def forward(self, images: Tensor) -> Tensor:
        """images: (N, 3, H, W) float32, normalised → (N, C, H, W) logits.

        Raises:
            ValueError: the module gives no logits of these classes.
        """
        height, width = images.shape[-2:]
        padded = functional.pad(images, (0, -width % self.stride, 0, -height % self.stride))
        logits = logits_of(self.module(padded))
        if logits is None or logits.ndim != 4 or logits.shape[:2] != (len(images), self.num_classes):
            found = "nothing that holds logits" if logits is None else f"logits of shape {tuple(logits.shape)}"
            raise InputError(
                f"the network gives {found}: let it give (N, C, h, w) with N {len(images)} images and C "
                f"{self.num_classes} classes, or a mapping that holds them as 'out' or 'logits'"
            )
        if logits.shape[-2:] != padded.shape[-2:]:
            logits = functional.interpolate(logits, size=padded.shape[-2:], mode="bilinear", align_corners=False)
        return logits[..., :height, :width]

    def foreign_weights(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Take weights under the module's own names."""
        if set(weights) & {f"module.{name}" for name in self.module.state_dict()}:
            return None
        return {f"module.{name}": value for name, value in weights.items()}

    def pooled_features(self, images: Tensor) -> Tensor | None:
        """Of the layer `feature_layer`."""
        if self.feature_layer is None:
            return None
        found: list[Tensor] = []
        handle = self._layer(self.feature_layer).register_forward_hook(
            lambda module, inputs, output: found.append(_first_tensor(output))
        )
        try:
            self(images)
        finally:
            handle.remove()
        return pooled(found[0])

    def _layer(self, name: str) -> nn.Module:
        try:
            return self.module.get_submodule(name)
        except AttributeError:
            known = [layer for layer, _ in self.module.named_modules() if layer]
            near = [layer for layer in known if name.split(".")[0] in layer] or known
            raise InputError(
                f"network.feature_layer {name!r}: the network has no such layer; it has {', '.join(near[:8])}"
            ) from None


def logits_of(output: Any) -> Tensor | None:
    """The logits in what a network gives; None where there are none."""
    if isinstance(output, Mapping):
        output = output.get("out", output.get("logits"))
    elif isinstance(output, (tuple, list)):
        output = output[0] if output else None
    elif not isinstance(output, Tensor):
        output = getattr(output, "logits", None)
    return output if isinstance(output, Tensor) else None


def _first_tensor(output: Any) -> Tensor:
    while isinstance(output, (tuple, list)):
        output = output[0]
    found: Tensor = getattr(output, "last_hidden_state", output)
    return found
