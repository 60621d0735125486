"""What every segmentation network offers to training, inference and start weights."""

from collections.abc import Mapping

from torch import Tensor, nn


class SegmentationNetwork(nn.Module):
    """(N, 3, H, W) float32 normalised images → (N, num_classes, H, W) logits, for any H, W >= 1."""

    num_classes: int

    def foreign_weights(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Rename the weights of a published encoder; None where the names are no such encoder's.

        The result holds every key of this network's state dict; shapes may still be wrong.

        Raises:
            ValueError: it is that encoder, but keys are missing, unknown or of another variant.
        """
        return None
