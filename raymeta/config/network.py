"""Keys of `network`."""

from typing import Any, Final, Literal

from pydantic import Field, model_validator

from raymeta.config.section import MAX_NUMBER, Location, Section

WIDTH_KINDS: Final = ("fcn8", "deeplabv3plus", "lraspp")
"""Networks whose channels `width_multiplier` scales."""
HEAD_KINDS: Final = ("efficientnet_lite", "timm:")
"""How the kinds begin that are an encoder and a decoder of one's choice."""


class NetworkConfig(Section):
    """The segmentation network."""

    kind: str = Field(
        "fcn8",
        min_length=1,
        description="fcn8, deeplabv3plus, lraspp, efficientnet_lite0 to 2, timm:NAME, module, transformers or smp",
    )
    width_multiplier: float = Field(
        0.25, gt=0, le=16, description="fcn8, deeplabv3plus, lraspp: factor on all channel counts; 1.0 is as published"
    )
    batch_norm: bool = Field(False, description="fcn8: batch norm after each convolution; the others always have it")
    weights: Location | None = Field(
        None,
        description="start weights, a file or URI: own network.pt or a published encoder; package://imagenet: "
        "those of the installed package of raymeta[pretrained]; none: random",
    )
    encoder: Literal["frozen", "finetuned"] = Field(
        "finetuned",
        description="efficientnet_lite, timm: frozen keeps the encoder as it starts; its features are computed once",
    )
    head: str = Field("light_fpn", description="efficientnet_lite, timm: decoder, light_fpn, lraspp or deeplabv3plus")
    head_channels: int | None = Field(None, ge=1, le=4096, description="of the decoder; none: 48, 128 or 256")
    input_scale: float = Field(
        1.0, ge=0.125, le=16, description="efficientnet_lite, timm: the encoder sees images enlarged by about this"
    )
    kept_features: Literal["disk", "memory", "none"] = Field(
        "disk",
        description="frozen encoder: where features stay; disk: in the run folder until the run is done, and the "
        "superpixels that are asked with them",
    )
    kept_features_mib: int = Field(
        2048, ge=0, le=MAX_NUMBER, description="at most this much memory of each process for kept features"
    )
    factory: str | None = Field(
        None, min_length=1, description="kind module: package.module:function that makes a torch module"
    )
    source: Location | None = Field(
        None, min_length=1, description="kind transformers: a local folder, or hf://NAME of the Hugging Face hub"
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="kind module, smp and timm: arguments of the function that makes the network"
    )
    mean: tuple[float, float, float] | None = Field(
        None, description="module, transformers, smp, timm: mean RGB of 0 to 255; none: the library's, or ImageNet's"
    )
    std: tuple[float, float, float] | None = Field(None, description="and deviation")
    stride: int = Field(
        32, ge=1, le=1024, description="module, transformers, smp, timm: images are padded to multiples of it (pixels)"
    )
    feature_layer: str | None = Field(
        None, min_length=1, description="module, transformers, smp: layer whose mean output tells what is in an image"
    )

    @property
    def form(self) -> str:
        """Kind and what of the other keys shapes it, in words: fcn8, width ×0.25."""
        if self.kind in WIDTH_KINDS:
            return f"{self.kind}, width ×{self.width_multiplier:g}"
        if self.kind.startswith(HEAD_KINDS):
            return f"{self.kind} ({self.encoder}) with {self.head}"
        return self.kind

    @model_validator(mode="before")
    @classmethod
    def _lists_as_colours(cls, values: Any) -> Any:
        """YAML has lists where three values of a colour are wanted."""
        if not isinstance(values, dict):
            return values
        colours = ("mean", "std")
        return {k: tuple(v) if k in colours and isinstance(v, list) else v for k, v in values.items()}

    @model_validator(mode="after")
    def _values_fit(self) -> "NetworkConfig":
        if (self.mean is None) != (self.std is None):
            raise ValueError(f"mean {self.mean} and std {self.std}: give both, or neither")
        if self.std is not None and min(self.std) <= 0:
            raise ValueError(f"std {self.std}: choose deviations above 0")
        if self.encoder == "frozen" and self.weights is None and not self.options.get("pretrained"):
            raise ValueError(
                "encoder 'frozen' keeps start weights, and weights gives none: write package://imagenet, or name a "
                "file or URI"
            )
        return self
