import numpy as np
import pytest
from training_examples import Examples, examples, training_config

from raymeta.training.communicator import SingleProcess
from raymeta.training.training_batches import BatchPlanner


class Rank:
    def __init__(self, rank, world_size):
        self.rank, self.world_size = rank, world_size

    def sum_array(self, values):
        raise AssertionError("planning must not talk")


def plans(world_size, train=7, epoch=1, **values):
    data = examples(train=train)
    config = training_config(batch_size=4, horizontal_flip=True, **values)
    planners = [BatchPlanner(data, config, 3, 3, Rank(rank, world_size)) for rank in range(world_size)]
    return data, [planner.plan(epoch, planner.steps(0)) for planner in planners]


@pytest.mark.parametrize("world_size", [1, 2, 4])
def test_every_example_counts_once_whatever_the_ranks(world_size):
    data, ranks = plans(world_size)
    shares = [share for plan in ranks for batch in plan for share in batch.shares if share.counts]
    assert sorted(share.index for share in shares) == list(range(7))
    single = plans(1)[1][0]
    for step, batch in enumerate(single):
        together = {share for plan in ranks for share in plan[step].shares if share.counts}
        assert together == set(batch.shares)
        pixels = sum(int((data.train[share.index][1] != 255).sum()) for share in batch.shares)
        assert {plan[step].labelled_pixels for plan in ranks} == {pixels}
        assert len({len(plan[step].shares) for plan in ranks}) == 1


def test_seed_and_epoch_decide():
    assert plans(1, epoch=1)[1] == plans(1, epoch=1)[1]
    assert plans(1, epoch=1)[1] != plans(1, epoch=2)[1]


def test_caps():
    data = examples(train=7)

    def steps(done, **values):
        return BatchPlanner(data, training_config(batch_size=2, **values), 0, 3, SingleProcess()).steps(done)

    assert steps(0) == 4
    assert steps(0, steps_per_epoch=3) == 3
    assert steps(0, steps_per_epoch=30) == 4
    assert steps(9, max_steps=10) == 1
    assert steps(0, min_steps_per_epoch=3) == 4
    assert steps(0, min_steps_per_epoch=9) == 9
    assert steps(4, min_steps_per_epoch=9, max_steps=10) == 6


def test_few_images_are_gone_through_again_in_another_order():
    once = plans(1)[1][0]
    shares = [share for batch in plans(1, min_steps_per_epoch=7)[1][0] for share in batch.shares]
    passes = [[share.index for share in shares[start : start + 7]] for start in (0, 7, 14, 21)]
    assert len(shares) == 7 * 4
    assert all(sorted(one) == list(range(7)) for one in passes)
    assert len({tuple(one) for one in passes}) > 1
    assert shares[:7] == [share for batch in once for share in batch.shares]


def test_first_part_of_the_permutation():
    full = plans(1)[1][0]
    assert plans(1, steps_per_epoch=1)[1][0] == full[:1]


def test_images_drawn_by_their_labelled_pixels():
    data = examples(train=4)
    for index, share in enumerate((0.0, 0.1, 0.3, 0.6)):
        labels = np.full((20, 50), 255, np.uint8)
        labels.reshape(-1)[: int(share * labels.size)] = 1
        data.train[index] = (np.zeros((20, 50, 3), np.uint8), labels)
    config = training_config(batch_size=4, sampling="labelled_pixels", min_steps_per_epoch=500)
    planner = BatchPlanner(data, config, 3, 3, SingleProcess())
    drawn = [share.index for batch in planner.plan(1, planner.steps(0)) for share in batch.shares]
    assert np.bincount(drawn, minlength=4) / len(drawn) == pytest.approx([0, 0.1, 0.3, 0.6], abs=0.03)
    for index in range(4):
        data.train[index][1][:] = 255
    blank = BatchPlanner(data, config, 3, 3, SingleProcess())
    assert {share.index for batch in blank.plan(1, 50) for share in batch.shares} == {0, 1, 2, 3}


def test_crops_are_planned_alike_on_all_ranks():
    values = {"crop_height": 16, "crop_width": 20, "scale_min": 0.5, "scale_max": 2.0}
    single = plans(1, **values)[1][0]
    for step, batch in enumerate(single):
        together = {share for plan in plans(2, **values)[1] for share in plan[step].shares if share.counts}
        assert together == set(batch.shares)
        assert batch.labelled_pixels is None
    crops = [share.crop for batch in single for share in batch.shares]
    assert len(set(crops)) == 7
    assert [share.flip for batch in single for share in batch.shares] == [
        share.flip for batch in plans(1)[1][0] for share in batch.shares
    ]


def test_planning_crops_reads_nothing():
    class Unread(Examples):
        def train_example(self, index):
            raise AssertionError("read")

    config = training_config(crop_height=4, crop_width=4)
    assert len(BatchPlanner(Unread(examples().train, []), config, 0, 3, SingleProcess()).plan(1, 3)) == 3


def planner(train, **values):
    return BatchPlanner(Examples(train, []), training_config(**values), 0, 3, SingleProcess())


def test_labels_are_checked():
    image = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="training example 0 holds class 3"):
        planner([(image, np.full((4, 4), 3, np.uint8))]).plan(1, 1)
    with pytest.raises(ValueError, match=r"image \(4, 4\), labels \(3, 4\)"):
        planner([(image, np.zeros((3, 4), np.uint8))]).plan(1, 1)
