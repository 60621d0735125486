"""Maps of the images that were scored last: a viewer asks for one image's layers one after the other."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any

from numpy.typing import NDArray

Maps = Mapping[str, NDArray[Any]]


class ScoreCache:
    """Least recently used maps, at most `max_bytes` of them; the key must name everything that the maps depend on."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, Maps] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Maps | None:
        """The maps of that key; None if they aren't kept."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: Hashable, maps: Maps) -> None:
        """Keep maps; the oldest go where they don't all fit."""
        size = _size(maps)
        if size > self._max_bytes:
            return
        with self._lock:
            replaced = self._entries.pop(key, None)
            self._bytes += size - (0 if replaced is None else _size(replaced))
            self._entries[key] = maps
            while self._bytes > self._max_bytes:
                _, dropped = self._entries.popitem(last=False)
                self._bytes -= _size(dropped)


def _size(maps: Maps) -> int:
    return sum(values.nbytes for values in maps.values())
