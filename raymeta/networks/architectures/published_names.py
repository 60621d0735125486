"""Weights of published encoders, taken over under a network's own names: all of them or none."""

from collections.abc import Collection, Iterable, Mapping

from torch import Tensor

COUNTER = "num_batches_tracked"
BATCH_NORM_KEYS = ("weight", "bias", "running_mean", "running_var", COUNTER)
SHOWN = 6
"""Keys named in an error before it only counts the rest."""


def rename(
    weights: Mapping[str, Tensor], names: Mapping[str, str], unused: Collection[str], source: str
) -> dict[str, Tensor]:
    """Weights under their own names. Tensors are shared, not copied.

    names: own name by published name. unused: published names without a counterpart, which may be there or not.
    source: what the file should be, for the message. Old files have no batch counters: they are then 0.

    Raises:
        ValueError: missing or unknown keys.
    """
    missing = [name for name in names if name not in weights and not name.endswith(COUNTER)]
    unknown = [name for name in weights if name not in names and name not in unused]
    if missing or unknown:
        faults = [f"{kind} {shown(keys)}" for kind, keys in (("missing", missing), ("unknown", unknown)) if keys]
        raise ValueError(f"no complete {source}: {'; '.join(faults)}: take the state dict of a whole {source}")
    renamed = {own: weights[name] for name, own in names.items() if name in weights}
    for name, own in names.items():
        if name not in weights:
            renamed[own] = weights[name.replace(COUNTER, "running_mean")].new_zeros(()).long()
    return renamed


def layer_names(published: str, own: str, keys: Iterable[str]) -> dict[str, str]:
    """Own name by published name for the tensors of one layer."""
    return {f"{published}.{key}": f"{own}.{key}" for key in keys}


def shown(names: Collection[str]) -> str:
    """Some names in order, and how many more there are."""
    ordered = sorted(names)
    rest = len(ordered) - SHOWN
    return ", ".join(ordered[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
