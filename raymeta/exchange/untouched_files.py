"""Files that are as they were handed out: nobody has saved an answer in them."""

from collections.abc import Mapping
from pathlib import Path

from raymeta.exchange.errors import ExchangeError
from raymeta.exchange.manifest import MANIFEST_FILE, Manifest, load_manifest
from raymeta.exchange.sources import Source, SourceFile


def untouched_digests(path: Path, source: Source, tasks: Manifest) -> Mapping[str, str]:
    """Digests by path inside the source of the files that were handed out, by the list of tasks beside or above them.

    An equal file somewhere else is an answer: somebody put it there.
    """
    base = path if source.kind == "folder" else path.parent
    for root in (base, base.parent):
        if (root / MANIFEST_FILE).is_file():
            try:
                known = load_manifest(root / MANIFEST_FILE).untouched
            except ExchangeError:
                return {}
            prefix = f"{base.name}/" if root != base else ""
            return {each.removeprefix(prefix): digest for each, digest in known.items() if each.startswith(prefix)}
    return tasks.untouched


def is_untouched(file: SourceFile, untouched: Mapping[str, str]) -> bool:
    """Whether a file is as it was handed out. untouched: sha256 by path."""
    return file.path in untouched and untouched[file.path] == file.sha256()
