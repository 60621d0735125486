"""Work done ahead of the one who needs it, in threads."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def prefetch(jobs: Iterable[Callable[[], T]], threads: int = 1) -> Iterator[T]:
    """Results of the jobs in their order; while one is used, the next `threads + 1` are worked on or wait.

    A job's error is raised in its turn. Jobs should let go of the interpreter lock for most of their time, and not
    call torch's parallel functions: each thread would start threads of its own for them.
    """
    pool = ThreadPoolExecutor(threads, "prefetch")
    waiting: deque[Future[T]] = deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(job))
            if len(waiting) > threads + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
