"""A node of Ray that takes long to come up is waited for while its raylet lives, and no longer."""

import subprocess

import pytest
from ray._private import services

from raymeta.cluster.patient_start import patient_start

RAYLET = ["bash", "-c", "exec -a /ray/raylet/raylet sleep 60 "]


class Registry:
    """Knows a node from its third question on."""

    def __init__(self):
        self.asked = 0

    def get_node(self, address, node):
        self.asked += 1
        if self.asked < 3:
            raise RuntimeError(f"no {node} at {address}")
        return {"node": node}


@pytest.fixture
def registry(monkeypatch):
    registry = Registry()
    monkeypatch.setattr(services, "get_node", registry.get_node)
    return registry


def test_a_node_is_asked_for_until_it_is_there(registry):
    plain = services.get_node
    with subprocess.Popen(RAYLET) as raylet:
        with patient_start():
            assert services.get_node("here", "node") == {"node": "node"}
        raylet.kill()
    assert registry.asked == 3
    assert services.get_node == plain


def test_whose_raylet_has_ended_is_waited_for_no_longer(registry):
    with patient_start(), pytest.raises(RuntimeError, match="no node at here"):
        services.get_node("here", "node")
    assert registry.asked == 1


def test_patience_ends(registry):
    with subprocess.Popen(RAYLET) as raylet:
        with patient_start(patience_s=0.0), pytest.raises(RuntimeError):
            services.get_node("here", "node")
        raylet.kill()
    assert registry.asked == 1
