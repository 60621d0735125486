"""Counts the faults that were survived, by kind, and what each lost; printed at the end of a test run."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Survived:
    """Faults of one kind in one test."""

    kind: str
    count: int
    lost: str


class FaultLedger:
    """Survived faults, kept in memory and, where a path is given, as JSON lines in a file that several runs share."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.entries: list[Survived] = []

    def record(self, kind: str, count: int = 1, lost: str = "nothing") -> None:
        """Note faults after which everything was as it should be."""
        entry = Survived(kind, count, lost)
        self.entries.append(entry)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a") as stream:
                stream.write(json.dumps(asdict(entry)) + "\n")


def read_ledger(path: Path) -> list[Survived]:
    return [Survived(**json.loads(line)) for line in path.read_text().splitlines()]


def table(entries: list[Survived]) -> list[str]:
    """A Markdown table: one line a kind of fault, in alphabetical order."""
    lines = ["| fault | survived | lost |", "| --- | ---: | --- |"]
    for kind in sorted({entry.kind for entry in entries}):
        same = [entry for entry in entries if entry.kind == kind]
        lost = sorted({entry.lost for entry in same})
        lines.append(f"| {kind} | {sum(entry.count for entry in same)} | {'; '.join(lost)} |")
    return lines


if __name__ == "__main__":
    print("\n".join(table(read_ledger(Path(sys.argv[1])))))
