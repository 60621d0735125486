import threading

from raymeta.loop.unsaved_work import UnsavedWork


def begun(work: UnsavedWork, job: str, piece: int) -> threading.Event:
    """Begin in a thread; the event is set once it was let in."""
    entered = threading.Event()

    def enter() -> None:
        work.begin(job, piece)
        entered.set()

    threading.Thread(target=enter, daemon=True).start()
    return entered


def test_no_more_is_begun_than_may_be_lost() -> None:
    work = UnsavedWork(2)
    work.begin("a", 0)
    work.begin("a", 1)
    third = begun(work, "a", 2)
    assert not third.wait(0.2)
    work.saved("a", 7)  # of another worker
    assert not third.wait(0.2)
    work.saved("a", 1)
    assert third.wait(10)


def test_a_piece_that_is_begun_again_takes_no_second_place() -> None:
    work = UnsavedWork(2)
    work.begin("a", 0)
    work.begin("a", 1)
    assert begun(work, "a", 1).wait(10)
    assert not begun(work, "a", 2).wait(0.2)


def test_another_job_starts_empty() -> None:
    work = UnsavedWork(1)
    work.begin("a", 0)
    assert begun(work, "b", 0).wait(10)
    work.saved("a", 0)
    assert not begun(work, "b", 1).wait(0.2)
