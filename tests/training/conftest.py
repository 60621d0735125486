import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread():
    """Tests run beside each other, and sums over threads may round differently."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
