"""How the ranks of one training talk: a sum over all of them is all that training needs."""

from typing import Any, Protocol

from numpy.typing import NDArray
from torch import Tensor


class Communicator(Protocol):
    """One process's view of its group."""

    rank: int
    world_size: int

    def sum_array(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sum over all ranks, same shape and dtype, and the same bytes on every rank; all ranks must call it."""
        ...

    def sum_tensor(self, values: Tensor) -> Tensor:
        """As `sum_array`, on the device on which the values lie, and without waiting for it."""
        ...


class SingleProcess:
    """A group of one."""

    rank = 0
    world_size = 1

    def sum_array(self, values: NDArray[Any]) -> NDArray[Any]:
        """The values themselves."""
        return values

    def sum_tensor(self, values: Tensor) -> Tensor:
        """The values themselves."""
        return values
