"""One selection of a selector actor, as it travels with every call.

In a module of its own, which loads little: processes that only hand parts on pass it too.
"""

from typing import Any, NamedTuple


class SelectorJob(NamedTuple):
    """What scorers send candidates for.

    selector: actor handle of a BoxSelector. number: of the selection, ascending. merge: an empty CandidateMerge,
    pickled, so that a selector that doesn't know the job, or has lost it, can begin it.
    """

    selector: Any
    number: int
    merge: bytes

    def add(self, candidates: Any) -> Any:
        """Send an Arrow table of candidates; gives the reference of `BoxSelector.add`'s answer."""
        return self.selector.add.remote(self.number, self.merge, candidates)

    def result(self) -> Any:
        """The reference of `BoxSelector.result`'s answer."""
        return self.selector.result.remote(self.number, self.merge)
