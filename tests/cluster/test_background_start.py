"""What is entered in a thread of its own: entered and left once, by one thread, and its errors reach whoever asks."""

import threading
from contextlib import contextmanager

import pytest

from raymeta.cluster.background_start import BackgroundStart


class Noted:
    """A context manager that notes which thread does what to it."""

    def __init__(self, enter=lambda: None, leave=lambda: None):
        self.threads = []
        self._enter, self._leave = enter, leave

    def __enter__(self):
        self.threads.append(threading.get_ident())
        self._enter()
        return "what it gives"

    def __exit__(self, *_):
        self.threads.append(threading.get_ident())
        self._leave()


def failing(text):
    def fail():
        raise ValueError(text)

    return fail


def test_one_thread_enters_it_and_leaves_it_once():
    noted = Noted()
    started = BackgroundStart(noted)
    assert started.value() == "what it gives"
    assert len(noted.threads) == 1
    started.close()
    started.close()
    assert len(noted.threads) == 2
    assert len(set(noted.threads)) == 1
    assert noted.threads[0] != threading.get_ident()


def test_whoever_closes_it_while_it_is_entered_waits_for_both():
    go_on = threading.Event()
    noted = Noted(enter=go_on.wait)
    started = BackgroundStart(noted)
    threading.Timer(0.1, go_on.set).start()
    started.close()
    assert len(noted.threads) == 2


def test_an_error_of_entering_is_raised_where_the_value_is_wanted_and_not_by_closing():
    started = BackgroundStart(Noted(enter=failing("entering")))
    with pytest.raises(ValueError, match="entering"):
        started.value()
    started.close()


def test_an_error_of_leaving_is_raised_by_closing():
    started = BackgroundStart(Noted(leave=failing("leaving")))
    started.value()
    with pytest.raises(ValueError, match="leaving"):
        started.close()
    started.close()


def test_the_thread_lives_until_it_is_closed():
    """Linux kills a local Ray with the thread that started it."""

    @contextmanager
    def thread():
        yield threading.current_thread()

    started = BackgroundStart(thread())
    holder = started.value()
    assert holder.is_alive()
    started.close()
    assert not holder.is_alive()
