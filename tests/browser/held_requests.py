"""Requests of the page that are let through when a test says so: in this order, what comes late does so every time."""

import re
from collections.abc import Callable

from playwright.sync_api import APIResponse, Page, Route

LIMIT_S = 60


class HeldRequest:
    """One request of a page. before: it waits on its way to the service; else its answer waits on the way back.

    Args:
        page: that asks.
        pattern: of the address, as `page.route` takes it.
        method: of the request.
        before: whether the service gets it only once it is released.
    """

    def __init__(self, page: Page, pattern: str | re.Pattern[str], method: str = "GET", before: bool = False) -> None:
        self._page, self._pattern, self._method, self._before = page, pattern, method, before
        self._held: list[tuple[Route, APIResponse | None]] = []
        page.route(pattern, self._hold)

    def _hold(self, route: Route) -> None:
        if self._held or route.request.method != self._method:
            route.fallback()
        else:
            self._held.append((route, None))
            if not self._before:
                self._held[0] = (route, route.fetch())

    def wait(self) -> None:
        """Until it is on its way; its answer has been made then, unless the service is to get it later."""
        until(self._page, lambda: bool(self._held) and (self._before or self._held[0][1] is not None))

    def release(self) -> None:
        """Let it go on, and the page have 100 ms to take it up."""
        route, response = self._held[0]
        if response is None:
            route.continue_()
        else:
            route.fulfill(response=response)
        self._page.wait_for_timeout(100)

    def fail(self, status: int = 500) -> None:
        """Let the service answer that it can't."""
        self._held[0][0].fulfill(status=status, json={"detail": "made to fail"})
        self._page.wait_for_timeout(100)


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until something holds, while the page goes on."""
    for _ in range(LIMIT_S * 50):
        if holds():
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"didn't come to be in {LIMIT_S} s")
