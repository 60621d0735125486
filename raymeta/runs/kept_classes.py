"""The classes that a run was begun with: a resumed run must count, train and report the same ones."""

from collections.abc import Mapping, Sequence
from typing import Final

from raymeta.runs.classes_file import KeptClasses
from raymeta.runs.run_store import RunStore
from raymeta.runs.store_files import RunError

VOID: Final = "void"
IGNORED: Final = 255


def keep_classes(store: RunStore, names: Sequence[str], values: Mapping[int, int]) -> None:
    """Keep the classes of a run that begins, or look whether they are still those that it began with.

    Args:
        store: the run folder.
        names: of the classes, by train id.
        values: value in the label files → train id, 255 for void.

    Raises:
        RunError: other classes, another order or other values; each difference is named.
    """
    changed = class_changes(store, names, values)
    if changed:
        raise RunError(
            f"the class list is not the one that the run in {store.location} was begun with:\n"
            + "".join(f"  {line}\n" for line in changed)
            + "restore the class list, or choose another run_dir"
        )
    if store.read_classes() is None:
        store.write_classes(
            {"names": list(names), "values": {str(value): train_id for value, train_id in values.items()}}
        )


def class_changes(store: RunStore, names: Sequence[str], values: Mapping[int, int]) -> list[str]:
    """A line for each difference from the kept classes; none where nothing is kept, as by raymeta 0.1."""
    kept = _sound(store.read_classes())
    if kept is None:
        return []
    old_names, old_values = kept
    changed = [
        f"class {index}: {_name(old_names, index)} → {_name(names, index)}"
        for index in range(max(len(names), len(old_names)))
        if _name(old_names, index) != _name(names, index)
    ]
    for value in sorted({*values, *old_values}):
        before, after = _meaning(old_values, old_names, value), _meaning(values, names, value)
        if before != after:
            changed.append(f"value {value} of a label file: {before} → {after}")
    return changed


def _sound(found: KeptClasses | None) -> tuple[list[str], dict[int, int]] | None:
    try:
        return None if found is None else (list(found["names"]), {int(k): int(v) for k, v in found["values"].items()})
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _name(names: Sequence[str], index: int) -> str:
    return repr(names[index]) if index < len(names) else "none"


def _meaning(values: Mapping[int, int], names: Sequence[str], value: int) -> str:
    if value not in values:
        return "not in the list"
    return VOID if values[value] == IGNORED else _name(names, values[value])
