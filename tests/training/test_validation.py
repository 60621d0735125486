import numpy as np
import pytest
import torch
from training_examples import Examples, examples, network

from raymeta.networks.evaluation import confusion_matrix
from raymeta.networks.inference import predict_labels
from raymeta.training.communicator import SingleProcess
from raymeta.training.validation import Validation


class Counted(Examples):
    """Counts how often each example is read."""

    def __init__(self, data):
        super().__init__(data.train, data.validation)
        self.reads = []

    def validation_example(self, index):
        self.reads.append(index)
        return super().validation_example(index)


def slow_confusion(built, data):
    return sum(
        confusion_matrix(predict_labels(built, image[None])[0].numpy(), labels, 3) for image, labels in data.validation
    )


@pytest.mark.parametrize("room", [0, 7000, 1 << 30])
def test_confusion_counts_all_images_whatever_is_kept(room):
    data, built = Counted(examples(validation=5)), network()
    validation = Validation(data, 3, torch.device("cpu"), SingleProcess(), threads=1)
    validation._room = room  # as on a GPU with that many bytes; an image with its labels has 24·32·4
    for _ in range(3):
        assert np.array_equal(validation.confusion(built), slow_confusion(built, data))
    kept = min(5, room // (24 * 32 * 4))
    assert sorted(data.reads) == sorted([*range(5), *(2 * list(range(kept, 5)))])


def test_ranks_share_the_images():
    class Rank(SingleProcess):
        world_size = 2

        def __init__(self, rank):
            self.rank = rank

    data, built = examples(validation=5), network()
    parts = [Validation(data, 3, torch.device("cpu"), Rank(rank), threads=1).confusion(built) for rank in range(2)]
    assert np.array_equal(sum(parts), slow_confusion(built, data))


def test_labels_are_checked():
    data, built = examples(validation=2), network()
    data.validation[1][1][0, 0] = 7
    validation = Validation(data, 3, torch.device("cpu"), SingleProcess(), threads=1)
    with pytest.raises(ValueError, match="validation example 1 holds class 7"):
        validation.confusion(built)
