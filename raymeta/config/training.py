"""Keys of `training`."""

from typing import Literal

from pydantic import Field, model_validator

from raymeta.config.section import MAX_IMAGES, MAX_NUMBER, MAX_PIXELS, MAX_PROCESSES, MAX_SCALES, Section

Sampling = Literal["images", "labelled_pixels", "root_pixels", "classes"]
BatchNormMode = Literal["train", "frozen", "sync"]


class PseudoLabelsConfig(Section):
    """Self-training: what the running mean of the network is sure of, where nobody labelled, is learnt too."""

    weight: float = Field(0.0, ge=0, le=100, description="of their loss beside that of labels; 0: none are made")
    confidence: float = Field(0.9, ge=0, lt=1, description="softmax of the teacher above which its class is taken")
    start: float = Field(0.2, ge=0, lt=1, description="share of the training's steps that labels alone teach")
    disturbance: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="the learning network sees it disturbed: this share of a frozen encoder's channels is left out; "
        "without one brightness and contrast vary by as much",
    )


class TrainingConfig(Section):
    """How the network is trained in each iteration."""

    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="optimizer")
    learning_rate: float = Field(1e-4, gt=0, le=1000, description="initial learning rate")
    beta1: float = Field(0.99, ge=0, lt=1, description="Adam, AdamW")
    beta2: float = Field(0.999, ge=0, lt=1, description="Adam, AdamW")
    momentum: float = Field(0.9, ge=0, lt=1, description="SGD")
    weight_decay: float = Field(0.0, ge=0, le=1000, description="L2 penalty; AdamW: decay of the weights")
    schedule: Literal["constant", "poly", "cosine", "one_cycle"] = Field(
        "constant",
        description="learning-rate policy; cosine and one_cycle end at 0 with the last of the steps, or of poly_steps",
    )
    warmup: float = Field(
        0.0, ge=0, lt=1, description="share of the steps in which the rate rises from 0; one_cycle: at least 0.3"
    )
    poly_power: float = Field(0.8, gt=0, le=1000, description="p of lr·(1 - s/s_tot)^p")
    poly_steps: int = Field(150_000, ge=1, le=MAX_NUMBER, description="s_tot")
    steps: int | None = Field(
        None,
        ge=1,
        le=MAX_NUMBER,
        description="steps of the whole training, in max_epochs equal epochs; none: epochs until it stops improving",
    )
    full_steps_at: float | None = Field(
        None,
        gt=0,
        le=MAX_IMAGES,
        description="labelled images from which on all steps are made; with fewer, fewer, down to min_steps",
    )
    min_steps: int = Field(1, ge=1, le=MAX_NUMBER, description="steps of a training with hardly any labels")
    class_balance: float = Field(
        0.0, ge=0, le=1, description="a labelled pixel weighs its class's share of all to the power of minus this"
    )
    example_balance: float = Field(
        0.0,
        ge=0,
        le=1,
        description="a labelled pixel weighs the number of those in its image or crop to the power of minus this: with "
        "0 pixels count alike, with 1 images",
    )
    focal_gamma: float = Field(0.0, ge=0, le=10, description="focal loss: pixels that are right already weigh less")
    loss_stride: int = Field(
        1, ge=1, le=64, description="the loss looks at every second, third, … row and column: faster steps"
    )
    ema: float = Field(
        0.0, ge=0, lt=1, description="decay of a running mean of the weights, which is validated and kept; 0: none"
    )
    pseudo_labels: PseudoLabelsConfig = Field(default_factory=PseudoLabelsConfig)
    batch_size: int = Field(1, ge=1, le=MAX_IMAGES, description="images a step, over all workers")
    patience: int = Field(10, ge=1, le=MAX_NUMBER, description="epochs without a better validation mIoU, then it stops")
    max_epochs: int = Field(200, ge=1, le=MAX_NUMBER, description="at most this many epochs")
    steps_per_epoch: int | None = Field(None, ge=1, le=MAX_NUMBER, description="cap; none: every labelled image once")
    min_steps_per_epoch: int = Field(
        1, ge=1, le=MAX_NUMBER, description="an epoch goes through few labelled images again until then"
    )
    max_steps: int | None = Field(None, ge=1, le=MAX_NUMBER, description="cap over all epochs")
    sampling: Sampling = Field(
        "images",
        description="an epoch holds each labelled image once, or draws images by their labelled pixels, the root of "
        "these, or so that all classes come alike",
    )
    accumulation_steps: int = Field(
        1, ge=1, le=MAX_IMAGES, description="parts in which each worker computes its share of a batch"
    )
    horizontal_flip: bool = Field(False, description="mirror half of the images")
    crop_height: int | None = Field(
        None,
        ge=1,
        le=MAX_PIXELS,
        description="train on random crops of this height (pixels); of a frozen encoder's features about this height",
    )
    crop_width: int | None = Field(
        None, ge=1, le=MAX_PIXELS, description="train on random crops of this width (pixels)"
    )
    scale_min: float = Field(
        1.0, ge=0.01, le=100, description="scale images before the crop by a random factor, at least this"
    )
    scale_max: float = Field(1.0, ge=0.01, le=100, description="and at most this")
    scale_step: float = Field(0.25, ge=0, le=100, description="between the factors; 0: any factor in between")
    batch_norm: BatchNormMode = Field(
        "train", description="frozen: statistics of the start weights; sync: over all workers"
    )
    workers: int = Field(1, ge=1, le=MAX_PROCESSES, description="Ray Train workers")
    cache_gib: float = Field(
        8.0,
        ge=0,
        le=100_000,
        description="decoded images that a worker keeps, GiB; at most half of the machine's memory",
    )
    threads_per_worker: int = Field(2, ge=1, le=MAX_PROCESSES, description="CPU threads of a worker")
    mixed_precision: bool = Field(False, description="bfloat16 autocast (GPU)")

    @model_validator(mode="after")
    def _steps_and_parts_fit(self) -> "TrainingConfig":
        least, most, parts = self.min_steps_per_epoch, self.steps_per_epoch, self.workers * self.accumulation_steps
        if most is not None and least > most:
            raise ValueError(f"min_steps_per_epoch {least} exceeds steps_per_epoch {most}: lower it")
        if self.batch_size % parts:
            raise ValueError(
                f"batch_size {self.batch_size} isn't a multiple of workers {self.workers} × accumulation_steps "
                f"{self.accumulation_steps}: choose a multiple of {parts}"
            )
        return self

    @model_validator(mode="after")
    def _steps_are_counted_once(self) -> "TrainingConfig":
        counted = {
            "max_steps": self.max_steps is not None,
            "steps_per_epoch": self.steps_per_epoch is not None,
            "min_steps_per_epoch": self.min_steps_per_epoch > 1,
        }
        others = [name for name, given in counted.items() if given]
        if self.steps is not None and others:
            raise ValueError(f"steps {self.steps} and {', '.join(others)} count steps in two ways: leave one out")
        if self.full_steps_at is not None and self.steps is None:
            raise ValueError(f"full_steps_at {self.full_steps_at:g} needs steps: how many there are then")
        if self.steps is not None and self.min_steps > self.steps:
            raise ValueError(f"min_steps {self.min_steps} exceeds steps {self.steps}: lower it")
        return self

    @model_validator(mode="after")
    def _pseudo_labels_have_a_teacher(self) -> "TrainingConfig":
        weight = self.pseudo_labels.weight
        if weight and not self.ema:
            raise ValueError(f"pseudo_labels.weight {weight:g} needs a running mean as teacher: set ema, as in 0.99")
        if weight and self.steps is None:
            raise ValueError(f"pseudo_labels.weight {weight:g} begins after a share of the steps: set steps")
        return self

    @model_validator(mode="after")
    def _crop_and_scale_fit(self) -> "TrainingConfig":
        if (self.crop_height is None) != (self.crop_width is None):
            raise ValueError(f"crop_height {self.crop_height} and crop_width {self.crop_width}: give both, or neither")
        if self.scale_min > self.scale_max:
            raise ValueError(f"scale_min {self.scale_min} is above scale_max {self.scale_max}: swap them")
        if self.scale_step and (self.scale_max - self.scale_min) / self.scale_step > MAX_SCALES:
            raise ValueError(
                f"scale_step {self.scale_step} makes more than {MAX_SCALES} factors between scale_min "
                f"{self.scale_min} and scale_max {self.scale_max}: choose a larger one, or 0 for any factor in between"
            )
        if (self.scale_min, self.scale_max) != (1.0, 1.0) and self.crop_height is None:
            raise ValueError(
                f"scale_min {self.scale_min} and scale_max {self.scale_max} make images of many sizes: give "
                "crop_height and crop_width"
            )
        return self
