import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from training_examples import Examples, example, examples, training_config

from raymeta.training.batch_loading import BatchLoader, to_device
from raymeta.training.communicator import SingleProcess
from raymeta.training.random_crops import Crop
from raymeta.training.training_batches import Batch, BatchPlanner, Share


def loader(data, part_size=8):
    return BatchLoader(data, 3, part_size, torch.device("cpu"), threads=1)


def load(data, *shares):
    [part] = loader(data).load_batch(Batch(shares, 1)).parts
    return to_device(part, torch.device("cpu"))[:2]


def test_flips_mirror_image_and_labels():
    data = examples()
    image, labels = data.train[2]
    images, label_maps = load(data, Share(2, True), Share(2, False))
    assert np.array_equal(images[0].numpy(), image[:, ::-1])
    assert np.array_equal(label_maps[0].numpy(), labels[:, ::-1])
    assert np.array_equal(images[1].numpy(), image)
    planner = BatchPlanner(examples(train=40), training_config(horizontal_flip=True), 3, 3, SingleProcess())
    shares = [share for batch in planner.plan(1, 20) for share in batch.shares]
    assert 8 < sum(share.flip for share in shares) < 32


def test_filler_has_no_labels():
    _, labels = load(examples(), Share(0, False, counts=False))
    assert (labels == 255).all()


def test_crops_are_cut_before_they_are_mirrored():
    data = examples()
    image, labels = data.train[1]
    crop = Crop(24, 10, 1.0, 0.0, 0.0)
    images, label_maps = load(data, Share(1, False, crop=crop), Share(1, True, crop=crop))
    assert np.array_equal(images[0].numpy(), image[:, :10])
    assert np.array_equal(images[1].numpy(), image[:, 9::-1])
    assert np.array_equal(label_maps[1].numpy(), labels[:, 9::-1])
    loaded = loader(data).load_batch(Batch((Share(1, True, crop=crop),), None))
    assert loaded.labelled_pixels is None
    assert loaded.own_pixels == int((labels[:, :10] != 255).sum())


def test_labels_of_crops_are_checked():
    data = Examples([(np.zeros((4, 4, 3), np.uint8), np.full((4, 4), 3, np.uint8))], [])
    with pytest.raises(ValueError, match="training example 0 holds class 3"):
        load(data, Share(0, False, crop=Crop(2, 2, 1.0, 0.0, 0.0)))


def test_batches_come_in_their_order_and_in_parts():
    data = examples(train=9)
    plan = BatchPlanner(data, training_config(batch_size=4, horizontal_flip=True), 0, 3, SingleProcess()).plan(1, 3)
    loaded = list(loader(data, part_size=3).load(plan))
    assert [[len(part.inputs) for part in batch.parts] for batch in loaded] == [[3, 1], [3, 1], [1]]
    for batch, planned in zip(loaded, plan, strict=True):
        images = torch.cat([part.inputs for part in batch.parts])
        alone = [load(data, share) for share in planned.shares]
        assert torch.equal(images, torch.cat([images for images, _ in alone]))
        assert batch.own_pixels == batch.labelled_pixels == planned.labelled_pixels


def test_examples_are_read_in_a_thread_ahead_of_the_step():
    class Traced(Examples):
        def train_example(self, index):
            read.append((index, threading.current_thread()))
            if index == 1:
                ahead.set()
            return super().train_example(index)

    read, ahead = [], threading.Event()
    data = Traced(examples(train=5).train, [])
    batches = loader(data).load([Batch((Share(index, False),), 1) for index in range(5)])
    next(batches)
    assert ahead.wait(60)  # the second is read although nobody has asked for it
    batches.close()
    assert [index for index, _ in read[:2]] == [0, 1]
    assert len(read) < 5
    assert threading.main_thread() not in {thread for _, thread in read}


def test_labels_of_crops_are_checked_once_an_image():
    data = examples(train=1)
    share = Share(0, False, crop=Crop(4, 4, 1.0, 0.0, 0.0))
    own = loader(data)
    own.load_batch(Batch((share,), None))
    data.train[0][1][:] = 9
    own.load_batch(Batch((replace(share, flip=True),), None))
    with pytest.raises(ValueError, match="training example 0 holds class 9"):
        loader(data).load_batch(Batch((share,), None))


def test_examples_of_several_sizes_are_parts_of_their_own():
    data = Examples([example(np.random.default_rng(i), *size) for i, size in enumerate([(24, 32), (32, 24)] * 2)], [])
    shares = tuple(Share(index, False) for index in range(4))
    loaded = loader(data).load_batch(Batch(shares, 1))
    assert [part.labels.shape for part in loaded.parts] == [(2, 24, 32), (2, 32, 24)]
    np.testing.assert_array_equal(loaded.parts[1].labels[1], data.train[3][1])
    assert loaded.own_pixels == sum((labels != 255).sum() for _, labels in data.train)
