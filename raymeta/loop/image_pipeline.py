"""Decoding, network and post-processing of many images side by side, in bounded memory."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from raymeta.errors import InputError
from raymeta.loop.image_scorer import Softmax, Timed
from raymeta.networks.segmentation_network import Encoded

Image = NDArray[np.uint8] | Encoded
T = TypeVar("T")

IMAGE_ERRORS = (OSError, ValueError)
"""What an image that can't be read, or doesn't fit, raises."""


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of one image: a value, or the error that its file or size caused."""

    image_id: str
    value: T | None
    error: str | None


class ImagePipeline:
    """Threads that decode ahead, one network at a time, and threads that work on its softmax.

    Numba's kernels, OpenCV, Pillow's decoders and torch let go of the interpreter lock, so threads suffice. Several
    threads may call `run` at once: they share decoders, network and workers, and one's start fills the other's end. At
    most `threads + 1` softmaxes and, for each caller, `threads + 1` decoded images are alive.
    """

    def __init__(self, threads: int) -> None:
        """threads: for decoding and, again as many, for post-processing."""
        if threads < 1:
            raise InputError(f"threads {threads} is below 1: choose at least 1")
        self._decoders = ThreadPoolExecutor(threads, "decode")
        self._workers = ThreadPoolExecutor(threads, "score")
        self._ahead = threads + 1
        self._softmaxes = threading.BoundedSemaphore(threads + 1)
        self._network = threading.Lock()

    def run(
        self,
        image_ids: Sequence[str],
        read: Callable[[str], Image],
        infer: Callable[[Image], Softmax],
        work: Callable[[str, Softmax, Timed], T],
    ) -> Iterator[Outcome[T]]:
        """Outcomes in the order of the images.

        read: decodes an image. infer: its softmax; never called twice at once. work: what is wanted of it. An OSError
        or ValueError of an image becomes its outcome, any other exception ends the run.
        """
        upcoming = iter(image_ids)
        decoding: deque[tuple[str, Future[tuple[Image, float]]]] = deque()
        working: deque[tuple[str, Future[T]]] = deque()

        def decode_next() -> None:
            for image_id in upcoming:
                decoding.append((image_id, self._decoders.submit(_timed, read, image_id)))
                if len(decoding) >= self._ahead:
                    return

        decode_next()
        while decoding:
            image_id, decoded = decoding.popleft()
            working.append((image_id, self._infer(image_id, decoded, infer, work)))
            decode_next()
            while working and working[0][1].done():
                yield _outcome(*working.popleft())
        while working:
            yield _outcome(*working.popleft())

    def _infer(
        self,
        image_id: str,
        decoded: "Future[tuple[Image, float]]",
        infer: Callable[[Image], Softmax],
        work: Callable[[str, Softmax, Timed], T],
    ) -> "Future[T]":
        """Run the network once its turn has come, and hand the softmax on; a failure is in the future."""
        failed: Future[T] = Future()
        try:
            image, decode_seconds = decoded.result()
        except IMAGE_ERRORS as error:
            failed.set_exception(error)
            return failed
        self._softmaxes.acquire()
        try:
            with self._network:
                softmax, network_seconds = _timed(infer, image)
        except BaseException as error:
            self._softmaxes.release()
            if not isinstance(error, IMAGE_ERRORS):
                raise
            failed.set_exception(error)
            return failed
        return self._workers.submit(self._work, work, image_id, [softmax], Timed(decode_seconds, network_seconds))

    def _work(self, work: Callable[..., T], image_id: str, softmax: list[Softmax], timed: Timed) -> T:
        """Work on the softmax, then make room for the next. It comes in a list: popped, no one else holds it."""
        try:
            return work(image_id, softmax.pop(), timed)
        finally:
            self._softmaxes.release()

    def close(self) -> None:
        """End the threads once their work is done."""
        self._decoders.shutdown()
        self._workers.shutdown()


def _timed(function: Callable[[Any], Any], argument: Any) -> tuple[Any, float]:
    """Its result, and the seconds it took."""
    start = time.perf_counter()
    return function(argument), time.perf_counter() - start


def _outcome(image_id: str, future: "Future[T]") -> Outcome[T]:
    try:
        return Outcome(image_id, future.result(), None)
    except IMAGE_ERRORS as error:
        return Outcome(image_id, None, str(error))
