"""Hints of annotation servers that something was answered: each leads to a pull, which alone decides what is true."""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Final

from raymeta.annotation_servers.hand_outs import server_urls
from raymeta.annotation_servers.server_choice import TOKENS, open_server
from raymeta.annotation_servers.server_exchange import pull_answers
from raymeta.errors import InputError
from raymeta.loop.people import label_store
from raymeta.runs.run_store import RunStore
from raymeta.service.settings import ServiceSettings

GATHER_S: Final = 2.0
"""Hints within this time of the first lead to one pull: people save often."""

logger = logging.getLogger("raymeta.service")


class PullHints:
    """One pull at a time for each tool; hints that come meanwhile lead to one more.

    Only servers that the run handed tasks out to are asked: a hint never brings an address of its own.

    Args:
        settings: of the service.
        environment: that holds the tokens.
        gather_s: seconds from a hint to its pull.
    """

    def __init__(self, settings: ServiceSettings, environment: Mapping[str, str], gather_s: float = GATHER_S) -> None:
        self._settings, self._environment, self._gather_s = settings, environment, gather_s
        self._wanted: set[str] = set()
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def hint(self, tool: str) -> str:
        """Note that a tool has news. Gives what follows from it."""
        if not self._environment.get(TOKENS[tool]):
            return f"nothing is pulled: the service has no {TOKENS[tool]}; `raymeta tasks pull` brings answers"
        with self._lock:
            self._wanted.add(tool)
            if tool not in self._busy:
                self._busy.add(tool)
                threading.Thread(target=self._work, args=(tool,), name=f"pull {tool}", daemon=True).start()
        return "answers are pulled"

    def catch_up(self) -> None:
        """Look once at each server that tasks were handed out to: nobody repeats the hooks of before this start."""
        for tool, token in TOKENS.items():
            if self._environment.get(token):
                self.hint(tool)

    def _work(self, tool: str) -> None:
        while True:
            time.sleep(self._gather_s)
            with self._lock:
                self._wanted.discard(tool)
            try:
                self._pull(tool)
            except InputError as error:
                logger.error("a pull from %s failed: %s", tool, error)
            except Exception:  # a hook is only a hint: the next one tries again
                logger.exception("a pull from %s failed", tool)
            with self._lock:
                if tool not in self._wanted:
                    self._busy.discard(tool)
                    return

    def _pull(self, tool: str) -> None:
        store = RunStore(self._settings.run)
        labels = label_store(store.load_config(), store)
        for url in server_urls(labels, tool):
            summary = pull_answers(store, labels, labels.sets.names(), open_server(tool, url, self._environment))
            logger.info("pulled from %s: %s", url, summary.line())
