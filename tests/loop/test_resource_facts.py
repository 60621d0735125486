"""What `raymeta check` says of time, memory and devices."""

from tiny_settings import tiny_values

from raymeta.config import parse_config
from raymeta.loop.check import check_experiment
from raymeta.loop.resource_facts import PassSeconds, memory_fact, time_fact
from raymeta.networks.registry import build_network
from raymeta.runs.split import Split


class Images:
    """1000×1000 images with 10 classes."""

    height = width = 1000
    num_classes = 10


SPLIT = Split(initial=("a", "b"), meta=(), unlabelled=tuple(f"u{i}" for i in range(60)), validation=("v", "w", "x"))


def config_of(run_dir, **sections):
    values = tiny_values(run_dir, str(run_dir))
    for name, section in sections.items():
        values = values | {name: values[name] | section}
    return parse_config(values)


def test_times_are_counted_by_pixels(tmp_path, monkeypatch):
    """2 images at 4 s and 3 validation images at 1 s are 11 s; 60 images of the pool at 1 s on two actors 30 s."""
    monkeypatch.setattr("raymeta.loop.resource_facts.available_cpus", lambda: 4)
    seconds = PassSeconds(train=4e-6, predict=1e-6)
    config = config_of(tmp_path, scoring={"actors": 2}, training={"max_epochs": 7})
    told = time_fact(config, Images(), SPLIT, seconds)
    assert "about 11 s for a first epoch (of at most 7), about 30 s to score the pool" in told
    cropped = config_of(tmp_path, training={"crop_height": 500, "crop_width": 500, "workers": 1})
    assert "about 5 s for a first epoch" in time_fact(cropped, Images(), SPLIT, seconds)


def test_memory_counts_images_weights_and_a_softmax(tmp_path):
    config = config_of(tmp_path, network={"width_multiplier": 0.0625, "batch_norm": True})
    network = build_network(config.network, 10, 0)
    told = memory_fact(config, Images(), SPLIT, network)
    assert f"up to {65 * 4e6 / 2**20:.0f} MiB of decoded images" in told
    assert f"{10 * 4e6 / 2**20:.0f} MiB of softmax" in told


def test_check_tells_all_three(tmp_path, scenes):
    facts = check_experiment(parse_config(tiny_values(scenes, str(tmp_path / "run")))).facts
    for start in ("this machine: ", "time on CPUs like these", "memory: up to "):
        assert len([fact for fact in facts if fact.startswith(start)]) == 1
