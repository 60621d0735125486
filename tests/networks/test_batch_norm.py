import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from raymeta.errors import InputError
from raymeta.networks.batch_norm import BatchNorm, batch_norms, set_batch_norm_mode

VALUES = torch.tensor([[[[1.0, 3.0]], [[0.0, 10.0]]], [[[5.0, 7.0]], [[0.0, 10.0]]]])  # (2, 2, 1, 2)


def layer(mode, mean=2.0, variance=4.0):
    built = BatchNorm(2, eps=1e-12).train()
    built.running_mean.fill_(mean)
    built.running_var.fill_(variance)
    set_batch_norm_mode(built, mode)
    return built


def test_train_by_hand():
    """Channel 0 holds 1, 3, 5, 7: mean 4, variance 5, without bias 20 / 3."""
    built = layer("train")
    normalised = built(VALUES)
    torch.testing.assert_close(normalised[:, 0].flatten(), torch.tensor([-3.0, -1, 1, 3]) / 5**0.5)
    torch.testing.assert_close(built.running_mean[0].item(), 0.9 * 2 + 0.1 * 4)
    torch.testing.assert_close(built.running_var[0].item(), 0.9 * 4 + 0.1 * 20 / 3)


def test_frozen_by_hand():
    """(x - 2) / 2 with the running statistics, which stay; scale and shift learn."""
    built = layer("frozen")
    normalised = built(VALUES)
    torch.testing.assert_close(normalised, (VALUES - 2) / 2)
    assert built.running_mean.tolist() == [2, 2]
    assert built.num_batches_tracked == 0
    (normalised**3).sum().backward()
    assert (built.weight.grad != 0).all()
    assert (built.bias.grad != 0).all()
    torch.testing.assert_close(normalised, built.eval()(VALUES))


def test_sync_of_one_process_is_train():
    train, sync = layer("train"), layer("sync")
    assert torch.equal(train(VALUES), sync(VALUES))
    assert torch.equal(train.running_var, sync.running_var)


def test_the_mode_changes_nothing_in_evaluation():
    for mode in ("train", "frozen", "sync"):
        torch.testing.assert_close(layer(mode).eval()(VALUES), (VALUES - 2) / 2)


@pytest.mark.parametrize("mode", ["train", "frozen", "sync"])
def test_a_single_value_takes_the_running_statistics(mode):
    built = layer(mode)
    normalised = built(torch.tensor([[[[6.0]], [[0.0]]]]))
    torch.testing.assert_close(normalised.flatten(), torch.tensor([2.0, -1.0]))
    assert built.running_mean.tolist() == [2, 2]


def test_all_of_a_network_are_found():
    network = nn.Sequential(BatchNorm(2), nn.Sequential(nn.Conv2d(2, 2, 1), BatchNorm(2)))
    set_batch_norm_mode(network, "frozen")
    assert [found.mode for found in batch_norms(network)] == ["frozen", "frozen"]


def deep_network():
    """Three convolutions with batch norm, in float64: so deep that a wrong gradient would show."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3, stride=2), BatchNorm(4), nn.ReLU(), nn.Conv2d(4, 5, 3), BatchNorm(5), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Conv2d(5, 6, 3), BatchNorm(6), nn.ReLU(), nn.Conv2d(6, 2, 1)).double()
    set_batch_norm_mode(network, "sync")
    return network


def gradients(network, images, ranks=1):
    """After the step's backward: gradients and statistics; a wrapper averages gradients, hence the factor."""
    (ranks * network(images).square().sum()).backward()
    return {k: p.grad for k, p in network.named_parameters()} | dict(network.named_buffers())


def one_rank(rank, folder, images):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    network = nn.parallel.DistributedDataParallel(deep_network())
    torch.save(gradients(network, images[:3] if rank == 0 else images[3:], ranks=2), folder / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_sync_of_two_processes_equals_one(tmp_path):
    """Shares of 3 and 2 images: every gradient and statistic of the whole batch of 5."""
    images = torch.randn(5, 3, 20, 24, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = gradients(deep_network(), images)
    mp.spawn(one_rank, args=(tmp_path, images), nprocs=2)
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt")
        assert len(found) == len(expected) == 14 + 9
        for name, value in expected.items():
            torch.testing.assert_close(found[f"module.{name}"], value, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", [nn.BatchNorm2d, nn.SyncBatchNorm])
@pytest.mark.parametrize("mode", ["train", "frozen"])
def test_torchs_own_batch_norms_are_reached(kind, mode):
    """Frozen: (x - 2) / 2 with the running statistics; they stay where they are in the state dict."""
    own = kind(2, eps=1e-12)
    own.running_mean.fill_(2.0)
    own.running_var.fill_(4.0)
    network = nn.Sequential(nn.Identity(), nn.Sequential(own)).train()
    names, parameters = list(network.state_dict()), list(network.parameters())
    set_batch_norm_mode(network, mode)
    wanted = layer(mode)(VALUES)
    torch.testing.assert_close(network(VALUES), wanted)
    assert list(network.state_dict()) == names
    assert all(new is old for new, old in zip(network.parameters(), parameters, strict=True))
    assert (network.state_dict()["1.0.running_mean"][0].item() == 2) == (mode == "frozen")


class Foreign(nn.BatchNorm2d):
    """A batch norm with ways of its own."""


@pytest.mark.parametrize("own", [Foreign(2), nn.BatchNorm1d(2), nn.BatchNorm2d(2, track_running_stats=False)])
def test_batch_norms_out_of_reach_are_named(own):
    network = nn.Sequential(own)
    set_batch_norm_mode(network, "train")
    for mode in ("frozen", "sync"):
        with pytest.raises(InputError, match=r"0.*batch_norm train"):
            set_batch_norm_mode(network, mode)
