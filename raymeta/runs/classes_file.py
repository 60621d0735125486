"""The classes that a run was begun with, as the file in its folder holds them."""

import json
from typing import TypedDict, cast

from raymeta.runs.manifest import checksum


class KeptClasses(TypedDict):
    """Names of the classes, and by values of label files, as text, their ids."""

    names: list[str]
    values: dict[str, int]


def classes_to_bytes(classes: KeptClasses) -> bytes:
    """JSON with its checksum."""
    sealed = {"classes": classes, "sha256": checksum(_text(classes))}
    return (json.dumps(sealed, ensure_ascii=False) + "\n").encode()


def classes_from_bytes(data: bytes) -> KeptClasses | None:
    """What `classes_to_bytes` wrote; None if it is damaged."""
    try:
        sealed = json.loads(data)
        classes = sealed["classes"]
        sound = sealed["sha256"] == checksum(_text(classes))
    except (ValueError, RecursionError, TypeError, KeyError):
        return None
    return cast(KeptClasses, classes) if sound and isinstance(classes, dict) else None


def _text(classes: object) -> bytes:
    return json.dumps(classes, ensure_ascii=False, sort_keys=True).encode()
