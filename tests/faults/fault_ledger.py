"""Counts the faults that were survived, by kind, and what each lost.

python tests/faults/fault_ledger.py build/faults.jsonl                        prints the table
python tests/faults/fault_ledger.py build/faults.jsonl docs/reliability.md    writes it between the page's markers
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"


@dataclass(frozen=True)
class Survived:
    """Faults of one kind in one test."""

    test: str
    kind: str
    count: int
    lost: str


class FaultLedger:
    """Survived faults, kept in memory and, where a path is given, as JSON lines in a file that several runs share."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.entries: list[Survived] = []

    def of(self, test: str) -> "TestLedger":
        return TestLedger(self, test)

    def record(self, entry: Survived) -> None:
        self.entries.append(entry)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a") as stream:
                stream.write(json.dumps(asdict(entry)) + "\n")


@dataclass(frozen=True)
class TestLedger:
    """One test's side of the ledger."""

    __test__ = False  # no test itself

    ledger: FaultLedger
    test: str

    def record(self, kind: str, count: int = 1, lost: str = "nothing") -> None:
        """Note faults after which everything was as it should be."""
        self.ledger.record(Survived(self.test, kind, count, lost))


def read_ledger(path: Path) -> list[Survived]:
    """Entries of the file; those of a test that has run again since are its last run's."""
    entries = [Survived(**json.loads(line)) for line in path.read_text().splitlines()]
    # A test notes each kind once a run, so a kind that comes again is of a later run.
    return list({(entry.test, entry.kind): entry for entry in entries}.values())


def table(entries: list[Survived]) -> list[str]:
    """A Markdown table: one line a kind of fault, in alphabetical order, and their sum."""
    lines = ["| fault | survived | lost |", "| --- | ---: | --- |"]
    for kind in sorted({entry.kind for entry in entries}):
        same = [entry for entry in entries if entry.kind == kind]
        lost = sorted({entry.lost for entry in same})
        lines.append(f"| {kind} | {sum(entry.count for entry in same)} | {'; '.join(lost)} |")
    tests = len({entry.test for entry in entries})
    return [*lines, f"| **all, by {tests} tests** | **{sum(entry.count for entry in entries)}** | |"]


def replace_table(page: str, lines: list[str]) -> str:
    """The page with other lines between its markers. Raises ValueError where a marker is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN} or {END}: add both, each on a line of its own")
    return "\n".join([before + begin, *lines, end + after])


def main(arguments: list[str]) -> None:
    lines = table(read_ledger(Path(arguments[0])))
    if len(arguments) == 1:
        print("\n".join(lines))
        return
    page = Path(arguments[1])
    page.write_text(replace_table(page.read_text(), lines))


if __name__ == "__main__":
    main(sys.argv[1:])
