"""Self-training: the network learns what its running mean is sure of where nobody labelled.

Definition: docs/method.md#self-training. The teacher sees what is there; the network that learns sees it disturbed, or
it would only repeat itself.
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from raymeta.networks.segmentation_network import Encoded
from raymeta.schemas import IGNORE


def pseudo_labels(logits: Tensor, unlabelled: Tensor, confidence: float) -> Tensor:
    """The teacher's classes where nobody labelled and it is sure.

    Args:
        logits: (N, C, H, W) of the teacher.
        unlabelled: (N, H, W) bool.
        confidence: the largest softmax is above it.

    Returns:
        (N, H, W) int64, 255 elsewhere; the lowest class at ties.
    """
    largest, classes = torch.softmax(logits.float(), dim=1).max(dim=1)
    return torch.where(unlabelled & (largest > confidence), classes, IGNORE)


def disturbed(inputs: Tensor | Encoded, amount: float) -> Tensor | Encoded:
    """What the network that learns sees; drawn from torch's generator.

    Args:
        inputs: a frozen encoder's features, of which whole channels are left out and the others enlarged accordingly;
            or normalised images (N, 3, H, W), each of whose channels is scaled by 1 ± `amount` and shifted by as much.
        amount: 0 leaves all as it is.
    """
    if not amount:
        return inputs
    if isinstance(inputs, Encoded):
        return replace(inputs, features=tuple(functional.dropout2d(each.float(), amount) for each in inputs.features))
    gain, shift = (amount * (2 * torch.rand(*inputs.shape[:2], 1, 1, device=inputs.device) - 1) for _ in range(2))
    return inputs * (1 + gain) + shift
