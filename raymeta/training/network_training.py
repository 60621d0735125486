"""Training of one network: epochs until validation no longer improves, the best epoch's weights kept."""

import copy
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from raymeta.config import TrainingConfig
from raymeta.errors import InputError
from raymeta.networks.batch_norm import set_batch_norm_mode
from raymeta.networks.evaluation import mean_iou
from raymeta.networks.inference import evaluation_mode, prepared
from raymeta.networks.segmentation_network import Encoded, SegmentationNetwork, every
from raymeta.training.batch_loading import BatchLoader, LoadedBatch, Part, to_device
from raymeta.training.communicator import Communicator, SingleProcess
from raymeta.training.determinism import deterministic_algorithms, seeded_torch
from raymeta.training.feature_crops import ComputedFeatures
from raymeta.training.optimization import (
    build_optimizer,
    learning_rate,
    move_mean,
    set_learning_rate,
    summed_cross_entropy,
)
from raymeta.training.pseudo_labels import disturbed, pseudo_labels
from raymeta.training.training_batches import Batch, BatchPlanner, FeatureSource, TrainingData
from raymeta.training.training_state import EpochRecord, TrainingState
from raymeta.training.validation import TrainingDivergedError, Validation

__all__ = [
    "Communicator",
    "EpochRecord",
    "SingleProcess",
    "TrainingData",
    "TrainingDivergedError",
    "TrainingState",
    "train_network",
]

OnEpoch = Callable[[EpochRecord, TrainingState], None]
OnStep = Callable[[int, int, int], None]


def train_network(
    network: SegmentationNetwork,
    data: TrainingData,
    config: TrainingConfig,
    seed: int,
    device: torch.device | str = "cpu",
    communicator: Communicator | None = None,
    on_epoch: OnEpoch | None = None,
    on_step: OnStep | None = None,
    resume: bytes | None = None,
    features: FeatureSource | None = None,
) -> TrainingState:
    """Train `network` in place until it stops improving or a cap is reached; all ranks call this alike.

    on_epoch: called after each epoch; on_step: with the epochs done, and the steps done and all
    steps of this epoch. resume: a state's
    bytes, the same on all ranks; the training then ends bit for bit as if it had never been interrupted.
    features: what the network's frozen encoder makes of the images, if it is kept; else it is computed each time.
    communicator: where it is of several ranks, torch.distributed has been initialized in each, and all start from
    rank 0's weights.

    A batch's loss is the mean over the labelled pixels of all ranks, so that the number of ranks changes rounding
    only; apart from dropout, which each rank draws for itself, and batch norm, which sees a rank's own share unless
    `config.batch_norm` is sync. So does accumulation: each part's gradients are added, and batch norm sees a part.
    The network ends with the last epoch's weights; the best are in the result.

    Raises:
        ValueError: data or state that can't be trained with.
        TrainingDivergedError: the first epoch's loss, or a validation image's logits in any, aren't finite.
    """
    communicator = communicator or SingleProcess()
    training = _Training(network, data, config, seed, torch.device(device), communicator, features)
    return training.run(on_epoch, on_step, resume)


class _Training:
    def __init__(
        self,
        network: SegmentationNetwork,
        data: TrainingData,
        config: TrainingConfig,
        seed: int,
        device: torch.device,
        communicator: Communicator,
        features: FeatureSource | None,
    ) -> None:
        _check(data, config, communicator)
        self.network = network.to(device)
        set_batch_norm_mode(network, config.batch_norm)
        self.config = config
        self.seed = seed
        self.device = device
        self.communicator = communicator
        classes, threads = network.num_classes, config.threads_per_worker
        crops = network.frozen_encoder and config.crop_height is not None
        if crops and features is None:
            features = ComputedFeatures(network, data.train_example, data.validation_example, device)
        self.planner = BatchPlanner(data, config, seed, classes, communicator)
        part = config.batch_size // (communicator.world_size * config.accumulation_steps)
        weights = self.planner.class_weights
        self.loader = BatchLoader(
            data,
            classes,
            part,
            device,
            threads,
            loss_stride=config.loss_stride,
            class_weights=weights,
            example_balance=config.example_balance,
            features=features,
            cell_places=network.cell_places if crops else None,
            with_unlabelled=config.pseudo_labels.weight > 0,
        )
        self.class_weights = None if weights is None else torch.from_numpy(weights).to(device)
        self.validation = Validation(data, classes, device, communicator, threads, features)
        self.optimizer = build_optimizer(config, network)
        self.mean_network = copy.deepcopy(network).requires_grad_(False) if config.ema else network
        """What is validated and kept: the network itself, or the running mean of its weights."""

    def run(self, on_epoch: OnEpoch | None, on_step: OnStep | None, resume: bytes | None) -> TrainingState:
        state = self._start(resume)
        wrapped = _for_all_ranks(self.network, self.communicator)  # with the weights in place: it sends rank 0's
        if self.config.ema and resume is None:
            self.mean_network.load_state_dict(self.network.state_dict())
        while not _is_finished(state, self.config, self.planner.total_steps):
            start = time.perf_counter()
            epoch = state.epoch + 1
            batches = self.planner.plan(epoch, self.planner.steps(state.steps))
            with deterministic_algorithms():
                with seeded_torch(self.seed, epoch, self.communicator.rank, self.device):
                    loss = self._train_epoch(wrapped, batches, state.steps, on_step and partial(on_step, state.epoch))
                _share_buffers(self.network, self.communicator)
                if self.config.ema:
                    _share_buffers(self.mean_network, self.communicator)
                confusion = self._validate(loss)
            steps = state.steps + len(batches)
            rate = learning_rate(self.config, steps - 1, self.planner.total_steps)
            record = EpochRecord(epoch, steps, rate, loss, mean_iou(confusion), time.perf_counter() - start)
            self._finish_epoch(state, record, confusion)
            if on_epoch:
                on_epoch(record, state)
        return state

    def _start(self, resume: bytes | None) -> TrainingState:
        if resume is not None:
            state = TrainingState.from_bytes(resume)
            try:
                self.network.load_state_dict(state.network)
                if self.config.ema:
                    self.mean_network.load_state_dict(state.mean_network)
                self.optimizer.load_state_dict(state.optimizer)
            except (RuntimeError, ValueError, KeyError) as error:
                raise InputError(f"training state doesn't fit network and optimizer: {error}; delete it") from error
        else:
            state = TrainingState({}, {})
        state.network = self.network.state_dict()
        state.optimizer = self.optimizer.state_dict()
        return state

    def _train_epoch(
        self, wrapped: nn.Module, batches: list[Batch], steps_done: int, on_step: Callable[[int, int], None] | None
    ) -> float:
        """Mean loss of the steps."""
        wrapped.train()
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for done, batch in enumerate(self.loader.load(batches), start=1):
            step = steps_done + done - 1
            set_learning_rate(self.optimizer, learning_rate(self.config, step, self.planner.total_steps))
            total += self._step(wrapped, batch, step)
            if self.config.ema:
                move_mean(self.mean_network, self.network, self.config.ema, step)
            if on_step:
                on_step(done, len(batches))
        # The only wait for the device in an epoch, beside the one in validation.
        summed = self.communicator.sum_array(np.array([total.item()]))
        return float(summed[0]) / len(batches)

    def _step(self, wrapped: nn.Module, batch: LoadedBatch, step: int) -> Tensor:
        """One step, in parts if wanted; returns this rank's part of the batch's loss, on the device."""
        if step < self.config.pseudo_labels.start * (self.planner.total_steps or 0):
            batch = batch.without_unlabelled()
        pixels = self._labelled_pixels(batch)
        self.optimizer.zero_grad()
        loss = torch.zeros((), device=self.device)
        for part in batch.parts[:-1]:
            with _gradients_kept_local(wrapped):
                loss += self._backward(wrapped, part, pixels)
        loss += self._backward(wrapped, batch.parts[-1], pixels)
        self.optimizer.step()
        return loss

    def _labelled_pixels(self, batch: LoadedBatch) -> Tensor:
        """Labelled pixels of the batch over all ranks, at least 1; () float32 on the device, without waiting for it."""
        planned = batch.labelled_pixels
        pixels = torch.full((), batch.own_pixels if planned is None else planned, device=self.device)
        return (self.communicator.sum_tensor(pixels) if planned is None else pixels).clamp_(min=1).float()

    def _backward(self, wrapped: nn.Module, part: Part, pixels: Tensor) -> Tensor:
        """Add the gradients of some examples; returns their part of the loss, a mean over the batch's `pixels`."""
        images, labels, unlabelled = to_device(part, self.device)
        inputs = prepared(self.network, images, self.device)
        loss = self._summed_loss(self._logits(wrapped, inputs), labels) / pixels
        if unlabelled is not None:
            loss = loss + self._pseudo_loss(wrapped, inputs, unlabelled)
        # The wrapper averages gradients over ranks, where their sum is wanted.
        (loss * self.communicator.world_size).backward()
        return loss.detach()

    def _logits(self, network: nn.Module, inputs: Tensor | Encoded) -> Tensor:
        """At the pixels that the loss looks at."""
        mixed = self.config.mixed_precision and self.device.type == "cuda"
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=mixed):
            logits: Tensor = network(inputs)
        if self.config.loss_stride > 1 and not isinstance(inputs, Encoded):
            rows, columns = (every(side, self.config.loss_stride) for side in logits.shape[-2:])
            logits = logits[..., rows, :][..., columns]
        return logits

    def _pseudo_loss(self, wrapped: nn.Module, inputs: Tensor | Encoded, unlabelled: Tensor) -> Tensor:
        """Their part of the loss: the sum over pseudo-labels divided by all pixels of a batch, of all ranks."""
        settings = self.config.pseudo_labels
        with evaluation_mode(self.mean_network), torch.no_grad():
            labels = pseudo_labels(self._logits(self.mean_network, inputs), unlabelled, settings.confidence)
        logits = self._logits(wrapped, disturbed(inputs, settings.disturbance))
        pixels = self.config.batch_size * unlabelled[0].numel()
        return settings.weight * summed_cross_entropy(logits, labels, self.class_weights) / pixels

    def _summed_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return summed_cross_entropy(
            logits, labels, self.class_weights, self.config.focal_gamma, self.config.example_balance
        )

    def _validate(self, loss: float) -> NDArray[np.int64]:
        """(C, C) confusion matrix; all zeros after an infinite loss, whose epoch is never kept."""
        if math.isfinite(loss):
            return self.validation.confusion(self.mean_network)
        return np.zeros((self.network.num_classes,) * 2, np.int64)

    def _finish_epoch(self, state: TrainingState, record: EpochRecord, confusion: NDArray[np.int64]) -> None:
        state.epoch, state.steps = record.epoch, record.steps
        state.history.append(record)
        state.network = self.network.state_dict()
        state.optimizer = self.optimizer.state_dict()
        state.mean_network = self.mean_network.state_dict() if self.config.ema else {}
        if not math.isfinite(record.train_loss):
            if not state.best_epoch:
                raise TrainingDivergedError(
                    f"training loss is {record.train_loss} in epoch {record.epoch} with learning rate "
                    f"{record.learning_rate:g}: lower training.learning_rate"
                )
            return
        if not state.best_epoch or _is_better(record.validation_miou, state.best_miou):
            state.best_epoch, state.best_miou = record.epoch, record.validation_miou
            state.best_confusion = confusion
            state.best_weights = {
                name: value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
                for name, value in (state.mean_network or state.network).items()
            }


def _check(data: TrainingData, config: TrainingConfig, communicator: Communicator) -> None:
    if data.num_train < 1:
        raise InputError("0 training images: label at least 1 image")
    if data.num_validation < 1:
        raise InputError("0 validation images: give at least 1, they decide when training stops")
    parts = communicator.world_size * config.accumulation_steps
    if config.batch_size % parts:
        raise InputError(
            f"training.batch_size {config.batch_size} isn't a multiple of {communicator.world_size} workers × "
            f"accumulation_steps {config.accumulation_steps}: choose a multiple of {parts}"
        )


def _for_all_ranks(network: nn.Module, communicator: Communicator) -> nn.Module:
    """The network, its gradients averaged over the ranks where there are several; they lie in the memory sent."""
    if communicator.world_size == 1:
        return network
    return DistributedDataParallel(network, gradient_as_bucket_view=True)


def _gradients_kept_local(wrapped: nn.Module) -> AbstractContextManager[object]:
    """Spares the exchange of gradients that a later part repeats."""
    return wrapped.no_sync() if isinstance(wrapped, DistributedDataParallel) else nullcontext()


def _is_finished(state: TrainingState, config: TrainingConfig, total_steps: int | None) -> bool:
    """Whether patience, epochs or steps are used up (docs/method.md#stopping); all ranks know the same state."""
    most = config.max_steps if total_steps is None else total_steps
    capped = most is not None and state.steps >= most
    return capped or state.epoch >= config.max_epochs or state.epoch - state.best_epoch >= config.patience


def _is_better(miou: float, best: float) -> bool:
    return miou > best or (math.isnan(best) and not math.isnan(miou))


def _share_buffers(network: nn.Module, communicator: Communicator) -> None:
    """Give every rank the buffers of rank 0: batch norm's statistics differ by what each rank saw last."""
    buffers = list(network.buffers())
    if communicator.world_size == 1 or not buffers:
        return
    own = torch.cat([buffer.detach().double().flatten() for buffer in buffers]).cpu().numpy()
    shared = communicator.sum_array(own if communicator.rank == 0 else np.zeros_like(own))
    parts = torch.from_numpy(shared).split([buffer.numel() for buffer in buffers])
    with torch.no_grad():
        for buffer, part in zip(buffers, parts, strict=True):
            buffer.copy_(part.reshape(buffer.shape))
