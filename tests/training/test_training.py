import math

import numpy as np
import pytest
import torch
from training_examples import Examples, equal, examples, network, training_config

from raymeta.config import NetworkConfig
from raymeta.networks.evaluation import confusion_matrix, mean_iou
from raymeta.networks.inference import normalise, predict_labels
from raymeta.networks.registry import build_network
from raymeta.training.network_training import TrainingDivergedError, TrainingState, train_network
from raymeta.training.random_crops import PADDING_COLOUR

pytestmark = pytest.mark.slow


def train(config, data=None, built=None, **arguments):
    return train_network(built or network(), data or examples(), config, seed=0, **arguments)


def test_images_of_several_sizes_are_trained_on_in_batches():
    data = examples(train=6)
    data.train += examples(train=6, seed=1, size=(32, 24)).train
    state = train(training_config(max_epochs=8, batch_size=4), data)
    assert state.history[-1].train_loss < 0.7 * state.history[0].train_loss


def without_seconds(state):
    values = dict(vars(TrainingState.from_bytes(state.to_bytes())))
    values["history"] = [vars(record) | {"seconds": 0} for record in state.history]
    return values


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("epoch", [1, 3])
def test_resume_is_bit_identical(optimizer, batch_norm, epoch):
    config = training_config(optimizer=optimizer, max_epochs=4, horizontal_flip=True, schedule="poly", poly_steps=50)
    states = []
    torch.manual_seed(1)
    whole = train(config, built=network(batch_norm), on_epoch=lambda _, state: states.append(state.to_bytes()))
    torch.manual_seed(2)
    torch.rand(17)
    resumed = train(config, built=network(batch_norm, seed=9), resume=states[epoch - 1])
    assert equal(without_seconds(resumed), without_seconds(whole))


def test_same_seed_same_bytes_other_seed_others():
    config = training_config(max_epochs=2)
    first, again = (without_seconds(train(config)) for _ in range(2))
    assert equal(first, again)
    other = train_network(network(), examples(), config, seed=1)
    assert not equal(first, without_seconds(other))


def test_callers_randomness_and_settings_stay():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train(training_config(max_epochs=1))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.are_deterministic_algorithms_enabled()


def test_finished_state_trains_no_further():
    config = training_config(max_epochs=2)
    state = train(config)
    resumed = train(config, resume=state.to_bytes(), on_step=lambda *_: pytest.fail("a step"))
    assert equal(without_seconds(resumed), without_seconds(state))


def test_it_learns_and_keeps_the_best():
    data = examples(train=12, validation=4, size=(64, 96))
    built = network(batch_norm=True)
    records = []
    config = training_config(max_epochs=14, learning_rate=3e-3, beta1=0.9, batch_size=4)
    state = train(config, data, built, on_epoch=lambda record, _: records.append(record))
    assert records == state.history
    assert [record.epoch for record in records] == list(range(1, 15))
    assert records[-1].train_loss < 0.5 * records[0].train_loss
    assert state.best_miou > 0.6
    assert state.best_miou == max(record.validation_miou for record in records)
    assert records[state.best_epoch - 1].validation_miou == state.best_miou
    built.load_state_dict(state.best_weights)
    confusion = sum(
        confusion_matrix(predict_labels(built, image[None])[0].numpy(), labels, 3) for image, labels in data.validation
    )
    assert np.array_equal(confusion, state.best_confusion)
    assert mean_iou(confusion) == state.best_miou


def test_it_learns_without_batch_norm():
    state = train(training_config(max_epochs=10, batch_size=1), examples(train=12))
    assert state.history[-1].train_loss < 0.7 * state.history[0].train_loss


def test_patience_ends_training():
    data = examples()
    data.validation = [(image, np.full_like(labels, 255)) for image, labels in data.validation]
    state = train(training_config(max_epochs=20, patience=2), data)  # nan never improves
    assert state.epoch == 3
    assert state.best_epoch == 1
    assert math.isnan(state.best_miou)
    assert state.best_weights


def test_caps_count_steps():
    steps = []
    config = training_config(max_epochs=50, max_steps=7, steps_per_epoch=3)
    state = train(config, examples(train=20), on_step=lambda _, done, total: steps.append((done, total)))
    assert steps == [(1, 3), (2, 3), (3, 3), (1, 3), (2, 3), (3, 3), (1, 1)]
    assert [record.steps for record in state.history] == [3, 6, 7]
    assert state.steps == 7


def test_poly_rate_is_recorded():
    config = training_config(schedule="poly", poly_steps=10, poly_power=0.8, max_epochs=2)
    state = train(config)  # 3 steps an epoch
    expected = [1e-3 * (1 - step / 10) ** 0.8 for step in (2, 5)]
    assert [record.learning_rate for record in state.history] == pytest.approx(expected)


def test_all_ignored_changes_no_weight():
    data = examples(train=2)
    data.train = [(image, np.full_like(labels, 255)) for image, labels in data.train]
    built = network()
    before = {name: value.clone() for name, value in built.state_dict().items()}
    state = train(training_config(max_epochs=1), data, built)
    assert state.history[0].train_loss == 0
    assert equal(before, dict(built.state_dict()))


def test_loss_is_the_mean_over_labelled_pixels_of_the_batch():
    data = examples(train=2)
    data.train[0][1][:] = 255
    data.train[0][1][0, 0] = 1
    built = network(dropout=False)
    logits = built(_inputs(data))
    labels = torch.from_numpy(np.stack([labels for _, labels in data.train])).long()
    expected = torch.nn.functional.cross_entropy(logits, labels, ignore_index=255).item()
    state = train(training_config(max_epochs=1), data, built)
    assert state.history[0].train_loss == pytest.approx(expected, rel=1e-5)


def _inputs(data):
    return normalise(np.stack([image for image, _ in data.train]), "cpu")


def test_divergence_is_told():
    built = network()
    torch.nn.init.constant_(built.score_fc7.bias, float("nan"))
    with pytest.raises(TrainingDivergedError, match=r"epoch 1.*lower training\.learning_rate"):
        train(training_config(), built=built)


@pytest.mark.parametrize(
    ("data", "message"),
    [(Examples([], examples().validation), "0 training images"), (Examples(examples().train, []), "0 validation")],
)
def test_nothing_to_work_on(data, message):
    with pytest.raises(ValueError, match=message):
        train(training_config(), data)


def test_validation_labels_are_checked():
    data = examples()
    data.validation[1][1][0, 0] = 7
    with pytest.raises(ValueError, match="validation example 1 holds class 7"):
        train(training_config(max_epochs=1), data)


def test_broken_states_are_refused():
    state = train(training_config(max_epochs=1)).to_bytes()
    for data in (b"", b"no state", state[:2000]):
        with pytest.raises(ValueError, match="can't be read"):
            train(training_config(), resume=data)
    with pytest.raises(ValueError, match="doesn't fit"):
        train(training_config(), built=network(batch_norm=True), resume=state)


def test_batch_must_split():
    class Three:
        rank, world_size = 0, 3

    with pytest.raises(ValueError, match="batch_size 2 isn't a multiple of 3 workers"):
        train(training_config(), communicator=Three())


CROPS = {"crop_height": 16, "crop_width": 20, "scale_min": 0.5, "scale_max": 2.0, "horizontal_flip": True}


@pytest.mark.parametrize("steps", [2, 4])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_accumulation_equals_one_large_batch(steps, optimizer):
    """Seven examples in batches of 4: the last batch is short, and not all examples hold equally many labels."""
    values = {"batch_size": 4, "max_epochs": 3, "optimizer": optimizer, "learning_rate": 1e-3}
    whole = train(training_config(**values), examples(train=7), network(dropout=False))
    parts = train(training_config(**values, accumulation_steps=steps), examples(train=7), network(dropout=False))
    assert parts.steps == whole.steps
    losses = [[record.train_loss for record in state.history] for state in (whole, parts)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    for name, value in whole.network.items():
        torch.testing.assert_close(parts.network[name], value, rtol=1e-3, atol=1e-4)


def test_parts_that_do_not_divide_a_batch():
    with pytest.raises(ValueError, match=r"batch_size 4.*accumulation_steps 3.*multiple of 3"):
        train(training_config(batch_size=4, accumulation_steps=3))


def test_resume_with_crops_parts_and_sync_is_bit_identical():
    config = training_config(**CROPS, batch_size=4, accumulation_steps=2, batch_norm="sync", schedule="poly")
    states = []
    whole = train(config, built=network(True), on_epoch=lambda _, state: states.append(state.to_bytes()))
    resumed = train(config, built=network(True, seed=9), resume=states[0])
    assert equal(without_seconds(resumed), without_seconds(whole))


def test_it_learns_from_crops_of_images_of_many_sizes():
    data = examples(train=12, validation=4, size=(64, 96))
    data.train[0] = tuple(part[:50, :70] for part in data.train[0])
    data.train[1] = tuple(part[:10, :13] for part in data.train[1])
    config = training_config(
        max_epochs=14, learning_rate=3e-3, beta1=0.9, batch_size=4, **CROPS | {"crop_height": 33, "crop_width": 49}
    )
    state = train(config, data, network(batch_norm=True))
    assert state.history[-1].train_loss < 0.6 * state.history[0].train_loss
    assert state.best_miou > 0.5
    assert state.best_confusion.sum() == sum(int((labels != 255).sum()) for _, labels in data.validation)


def test_loss_of_a_crop_is_the_mean_over_its_labelled_pixels():
    data = examples(train=1)
    built = network(dropout=False)
    image = np.full((30, 32, 3), PADDING_COLOUR, np.uint8)
    image[:24] = data.train[0][0]
    logits = built(normalise(image[None], "cpu"))[:, :, :24]
    labels = torch.from_numpy(data.train[0][1][None].astype(np.int64))
    expected = torch.nn.functional.cross_entropy(logits, labels, ignore_index=255).item()
    state = train(training_config(max_epochs=1, batch_size=1, crop_height=30, crop_width=32), data, built)
    assert state.history[0].train_loss == pytest.approx(expected, rel=1e-5)


def test_frozen_batch_norm_keeps_its_statistics_and_learns_its_scale():
    built = network(batch_norm=True)
    before = {name: value.clone() for name, value in built.state_dict().items()}
    state = train(training_config(batch_norm="frozen"), built=built)
    norms = [name for name in before if name.endswith("running_mean")]
    assert len(norms) == 15
    for name in norms:
        assert torch.equal(state.network[name], before[name])
        assert torch.equal(state.network[name.replace("mean", "var")], before[name.replace("mean", "var")])
        scale = name.replace("running_mean", "weight")
        assert not torch.equal(state.network[scale], before[scale])


@pytest.mark.parametrize("kind", ["deeplabv3plus", "lraspp"])
def test_other_networks_learn_and_resume_bit_identical(kind):
    def built(seed):
        return build_network(NetworkConfig(kind=kind, width_multiplier=0.0625), 3, seed)

    states = []
    config = training_config(max_epochs=12, learning_rate=3e-3, beta1=0.9, batch_size=4)
    data = examples(train=12, size=(48, 64))
    whole = train(config, data, built(0), on_epoch=lambda _, state: states.append(state.to_bytes()))
    assert whole.history[-1].train_loss < 0.7 * whole.history[0].train_loss
    resumed = train(config, data, built(9), resume=states[8])
    assert equal(without_seconds(resumed), without_seconds(whole))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("mixed_precision", [False, True])
def test_resume_is_bit_identical_on_gpu(mixed_precision):
    config = training_config(max_epochs=3, mixed_precision=mixed_precision, horizontal_flip=True)
    states = []
    whole = train(config, device="cuda", on_epoch=lambda _, state: states.append(state.to_bytes()))
    resumed = train(config, device="cuda", resume=states[0])
    assert equal(without_seconds(resumed), without_seconds(whole))
    assert all(value.device.type == "cpu" for value in whole.best_weights.values())
