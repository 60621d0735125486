"""How much finished work a kill may lose: a worker begins no more before what it did is durable."""

import threading


class UnsavedWork:
    """Pieces of work, by number, that were begun and aren't durable yet; at most `most` of them at once.

    A piece that is begun again, because its result was lost on the way, takes no second place.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: set[tuple[str, int]] = set()
        self._changed = threading.Condition()

    def begin(self, job: str, piece: int) -> None:
        """Wait until there is room for a piece of a job. Pieces of earlier jobs need no saving any more."""
        with self._changed:
            self._pieces = {known for known in self._pieces if known[0] == job}
            self._changed.wait_for(lambda: (job, piece) in self._pieces or len(self._pieces) < self._most)
            self._pieces.add((job, piece))

    def saved(self, job: str, piece: int) -> None:
        """The piece is durable, whoever did it."""
        with self._changed:
            self._pieces.discard((job, piece))
            self._changed.notify_all()
