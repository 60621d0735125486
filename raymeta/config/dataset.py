"""Keys of `dataset`."""

from typing import Final, Literal

from pydantic import Field, model_validator

from raymeta.config.section import MAX_IMAGES, MAX_PIXELS, Location, Section

MAX_WAIT_S: Final = 7 * 24 * 3600.0
MAX_CACHE_GIB: Final = 1_000_000.0

DatasetKind = Literal["cityscapes", "camvid", "folder", "street_scenes"]


class ScenesConfig(Section):
    """Street scenes that `street_scenes` generates into `dataset.root` when they are not there yet."""

    train_images: int = Field(60, ge=1, le=MAX_IMAGES, description="images of the pool")
    validation_images: int = Field(20, ge=1, le=MAX_IMAGES, description="images for validation")
    test_images: int = Field(0, ge=0, le=MAX_IMAGES, description="images of the split `test`, for dataset.test")
    height: int = Field(128, ge=32, le=MAX_PIXELS, description="pixels")
    width: int = Field(256, ge=32, le=MAX_PIXELS, description="pixels")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="same seed, same scenes")


class DatasetConfig(Section):
    """Where the images are and how large they are read."""

    kind: DatasetKind = Field(description="layout of the data set")
    root: Location = Field(description="folder of the data set; behind a URI it is read through copies on local disk")
    cache_dir: Location | None = Field(
        None, description="folder of these copies; none is raymeta/data among the user's caches"
    )
    cache_gib: float = Field(
        20.0, ge=0, le=MAX_CACHE_GIB, description="GiB that these copies may take on each machine; 0 keeps none"
    )
    height: int | None = Field(
        None, ge=8, le=MAX_PIXELS, description="resize to this height (pixels); none keeps the files' size"
    )
    width: int | None = Field(
        None, ge=8, le=MAX_PIXELS, description="resize to this width (pixels); none keeps the files' size"
    )
    max_side: int | None = Field(
        None,
        ge=8,
        le=MAX_PIXELS,
        description="shrink each image whose longer side is longer (pixels), in its own proportions; for several sizes",
    )
    max_pool_images: int | None = Field(
        None, ge=1, le=MAX_IMAGES, description="use only this many pool images, by seeded choice"
    )
    max_validation_images: int | None = Field(
        None, ge=1, le=MAX_IMAGES, description="use only this many, evenly spaced"
    )
    test: bool = Field(
        False, description="judge each iteration's network on the split `test` as well; nothing is chosen by it"
    )
    outage_wait_s: float = Field(
        60.0, ge=0, le=MAX_WAIT_S, description="seconds to wait for storage that can't be reached; then the run ends"
    )
    max_failed_share: float = Field(
        0.05, ge=0, le=1, description="of a stage's images that may be damaged, but one always; then the run ends"
    )
    image_pattern: str | None = Field(
        None,
        min_length=1,
        description="kind folder: where images are below root, as images/{split}/{id}.tif; * and **/ match anything",
    )
    label_pattern: str | None = Field(
        None, min_length=1, description="kind folder: where label maps are, as labels/{split}/{id}_mask.png"
    )
    validation_every: int | None = Field(
        None,
        ge=2,
        le=MAX_IMAGES,
        description="kind folder without parts: each image of this number, by name, validates; image_pattern without "
        "{split} says where images are",
    )
    grey_bits: int = Field(16, ge=8, le=16, description="bits that 16-bit grey images use; many cameras store 12 of 16")
    scenes: ScenesConfig = Field(default_factory=ScenesConfig, description="only for kind street_scenes")

    @model_validator(mode="after")
    def _both_sides(self) -> "DatasetConfig":
        if (self.height is None) != (self.width is None):
            raise ValueError(f"height {self.height} and width {self.width}: give both, or neither")
        if self.max_side is not None and self.height is not None:
            raise ValueError(f"max_side {self.max_side} and height {self.height}: give one way to shrink images")
        if self.test and self.kind == "street_scenes" and not self.scenes.test_images:
            raise ValueError("test true and scenes.test_images 0: give the scenes some test images, or leave test out")
        if self.kind != "folder" and (self.image_pattern or self.label_pattern):
            raise ValueError(f"image_pattern and label_pattern are for kind folder, not {self.kind}: leave them out")
        if self.validation_every is not None and self.test:
            raise ValueError(
                f"test true and validation_every {self.validation_every}: images without parts have no test part: "
                "leave one out"
            )
        if self.validation_every is not None and (self.image_pattern is None or "{split}" in self.image_pattern):
            raise ValueError(
                f"validation_every {self.validation_every} is for images without parts: give image_pattern without "
                "{split}, as images/{id}.*, or leave it out"
            )
        return self
