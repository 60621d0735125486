"""Keys of `network`."""

from typing import Literal

from pydantic import Field

from raymeta.config.section import Location, Section

NetworkKind = Literal["fcn8", "deeplabv3plus", "lraspp"]


class NetworkConfig(Section):
    """The segmentation network."""

    kind: NetworkKind = Field("fcn8", description="architecture")
    width_multiplier: float = Field(0.25, gt=0, le=16, description="factor on all channel counts; 1.0 is as published")
    batch_norm: bool = Field(False, description="fcn8: batch norm after each convolution; the others always have it")
    weights: Location | None = Field(
        None, description="start weights, a file or URI: own network.pt or a published encoder; none: random"
    )
