"""The labels of a run folder, and the sets that a command names."""

from collections.abc import Sequence

from raymeta.errors import InputError
from raymeta.labels.label_store import LabelStore
from raymeta.labels.task_states import Rules
from raymeta.runs.run_store import RunStore


def open_labels(location: str) -> tuple[RunStore, LabelStore]:
    """A run and its labels. No lock is taken: the run may go on meanwhile.

    Raises:
        RunError: there is no run.
    """
    store = RunStore(location)
    oracle = store.load_config().oracle
    return store, LabelStore(store, Rules(oracle.review, oracle.max_uncovered))


def set_names(labels: LabelStore, wanted: Sequence[str] | None) -> list[str]:
    """The sets that were named, all without any. Raises InputError for one that was never handed out."""
    known = labels.sets.names()
    for name in wanted or ():
        if name not in known:
            raise InputError(f"--set {name} was never handed out: choose among {', '.join(known) or 'none yet'}")
    return list(wanted) if wanted else known
