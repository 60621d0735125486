"""Steps of training on a device: number formats and memory layouts, and raymeta's loop against a plain one."""

import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.measurement import Measurement, device_seconds
from benchmarks.training_stages import CLASSES, NoiseExamples
from raymeta.config import NetworkConfig, TrainingConfig
from raymeta.networks.registry import build_network
from raymeta.networks.segmentation_network import SegmentationNetwork
from raymeta.training.network_training import train_network

BATCH: Final = 4
SIZE, QUICK_SIZE = (512, 1024), (48, 64)
STEPS, QUICK_STEPS = 30, 3


class _Form(NamedTuple):
    name: str
    channels_last: bool
    bfloat16: bool


FORMS: Final = (
    _Form("fp32", False, False),
    _Form("fp32, channels last", True, False),
    _Form("bfloat16", False, True),
    _Form("bfloat16, channels last", True, True),
)


def measure_network(device: torch.device, quick: bool) -> list[Measurement]:
    """FCN8 at width 0.25 and DeepLabv3+, batches of 4."""
    rows: list[Measurement] = []
    for kind in ("fcn8",) if quick else ("fcn8", "deeplabv3plus"):
        rows += _forms(kind, device, quick)
    return rows + _loops(device, quick)


def _network(kind: str) -> SegmentationNetwork:
    return build_network(NetworkConfig(kind=kind, width_multiplier=0.25, batch_norm=True), CLASSES, 0)


def _forms(kind: str, device: torch.device, quick: bool) -> list[Measurement]:
    """Milliseconds of a step in each form; the ratio is to fp32."""
    size, steps = (QUICK_SIZE, QUICK_STEPS) if quick else (SIZE, STEPS)
    images, labels = _batch(size, device)
    rows: list[Measurement] = []
    for form in FORMS:
        layout = torch.channels_last if form.channels_last else torch.contiguous_format
        network = _network(kind).to(device)
        network.to(memory_format=layout)  # type: ignore[call-overload]  # missing in torch's annotations
        step = _step(network, images.contiguous(memory_format=layout), labels, form.bfloat16)
        seconds = device_seconds(step, device, warm_ups=3, repeats=steps)
        ratio = seconds / rows[0].seconds if rows else None
        rows.append(Measurement(f"step of {kind}, {form.name}", _text(size), seconds, ratio, note="ratio to fp32"))
    return rows


def _batch(size: tuple[int, int], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn((BATCH, 3, *size), generator=generator)
    return images.to(device), torch.randint(0, CLASSES, (BATCH, *size), generator=generator).to(device)


def _step(network: nn.Module, images: torch.Tensor, labels: torch.Tensor, bfloat16: bool) -> Callable[[], object]:
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    network.train()

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=bfloat16):
            loss = cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()

    return step


def _loops(device: torch.device, quick: bool) -> list[Measurement]:
    """Steps a second of raymeta's loop, which also reads and masks, and of a loop over a batch that is there."""
    size, steps = (QUICK_SIZE, QUICK_STEPS) if quick else (SIZE, STEPS)
    images, labels = _batch(size, device)
    network = _network("fcn8").to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's annotations
    step = _step(network, images.contiguous(memory_format=torch.channels_last), labels, bfloat16=False)
    plain = device_seconds(step, device, warm_ups=3, repeats=steps)
    examples = NoiseExamples(BATCH * steps, 1, *size)
    config = TrainingConfig(learning_rate=1e-4, batch_size=BATCH, max_epochs=3, patience=100)
    rows = [Measurement("step of a plain loop", _text(size), plain, note=f"{1 / plain:.1f} steps/s")]
    for mixed in (False, True):
        state = train_network(
            _network("fcn8").to(device),
            Kept(examples, {}),
            config.model_copy(update={"mixed_precision": mixed}),
            seed=0,
            device=device,
        )
        seconds = statistics.median(record.seconds for record in state.history[1:]) / steps
        name = f"step of raymeta's loop{', mixed precision' if mixed else ''}"
        note = f"{1 / seconds:.1f} steps/s with validation; ratio to the plain loop"
        rows.append(replace(Measurement(name, _text(size), seconds, seconds / plain, note=note)))
    return rows


class Kept:
    """Examples that stay in memory once they are made, as a data set's do in the training cache."""

    def __init__(self, examples: NoiseExamples, kept: dict[int, object]) -> None:
        self._examples, self._kept = examples, kept
        self.num_train, self.num_validation = examples.num_train, examples.num_validation

    def train_example(self, index: int):  # type: ignore[no-untyped-def]  # as NoiseExamples.train_example
        """See `NoiseExamples`."""
        if index not in self._kept:
            self._kept[index] = self._examples.train_example(index)
        return self._kept[index]

    validation_example = train_example

    def unlabelled(self, index: int) -> NDArray[np.bool_]:
        """See `NoiseExamples`."""
        return self._examples.unlabelled(index)


def _text(size: tuple[int, int]) -> str:
    return f"{BATCH}×{size[0]}×{size[1]}"
