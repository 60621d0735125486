"""Finds images and label maps by patterns that people write, as `labels/{split}/{id}_mask.png`."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from raymeta.datasets.data_paths import DataPath, below_root, files_below
from raymeta.datasets.image_files import canonical_name, is_image_name, name_fault
from raymeta.datasets.sample import DatasetError

_TOKEN = re.compile(r"\{id\}|\{split\}|\*\*/|\*|\?")


def check_pattern(key: str, pattern: str) -> None:
    """Raise DatasetError unless a pattern holds `{id}` once and stays below the root."""
    if pattern.count("{id}") != 1:
        raise DatasetError(f"{key} {pattern!r}: write {{id}} once, where the image's name stands")
    parts = PurePosixPath(pattern).parts
    if pattern.startswith("/") or ".." in parts:
        raise DatasetError(f"{key} {pattern!r}: write it from dataset.root on, without .. or a leading /")
    if unknown := set(re.findall(r"\{[^}]*\}", pattern)) - {"{id}", "{split}"}:
        raise DatasetError(
            f"{key} {pattern!r}: {', '.join(sorted(unknown))} is unknown: there are {{id}} and {{split}}"
        )


def find_by_pattern(root: DataPath, key: str, pattern: str, split: str) -> dict[str, DataPath]:
    """Image files by id.

    Args:
        root: folder in which the pattern starts.
        key: of the config, for messages.
        pattern: path with `{id}` and `{split}`; `*` is any text in a name, `**/` any folders. `{id}` may span folders.
        split: stands for `{split}`.

    Raises:
        DatasetError: a pattern that can't be, two files of one id, or a name that can't be an id.
    """
    check_pattern(key, pattern)
    expression = _expression(pattern, split)
    found: dict[str, DataPath] = {}
    seen: dict[str, DataPath] = {}
    faults = []
    for path in _files_below(root / _fixed_folder(pattern, split)):
        relative = below_root(path, root)
        match = expression.fullmatch(relative)
        if match is None or not is_image_name(path.name):
            continue
        image_id = match["id"]
        same = seen.get(canonical_name(image_id))
        if fault := name_fault(relative):
            faults.append(f"{relative!r} in {root} {fault}: rename it")
        elif same is not None:
            faults.append(f"{same} and {path} are both image {image_id}: {_tell_apart(same, path, key)}")
        else:
            found[image_id] = seen[canonical_name(image_id)] = path
    if faults:
        raise DatasetError("\n".join(faults))
    return found


def _tell_apart(first: DataPath, second: DataPath, key: str) -> str:
    """What to do where two files have one id."""
    if first.parent == second.parent and first.stem == second.stem:
        return "keep one of them, or rename one"
    return f"let {{id}} take in more of the path in {key}"


def expected_file(root: DataPath, pattern: str, split: str, image_id: str) -> DataPath:
    """Where a file that isn't there would be looked for."""
    return root / pattern.replace("{split}", split).replace("{id}", image_id)


def shared_affix(stems: Iterable[str], others: Iterable[str]) -> tuple[str, str] | None:
    """Prefix and suffix that turn nearly every of `stems` into one of `others`; None if nothing does.

    Of 10 images 9 must find their file; names that are equal already have no affix.
    """
    wanted, known = sorted(stems), set(others)
    if not wanted or not known:
        return None
    for other in sorted(known)[:50]:
        for stem in wanted:
            if stem and stem != other and stem in other:
                prefix, _, suffix = other.partition(stem)
                if sum(f"{prefix}{name}{suffix}" in known for name in wanted) >= 0.9 * len(wanted):
                    return prefix, suffix
    return None


def deeper_folders(folder: DataPath) -> Sequence[str]:
    """Names of the folders in `folder` that hold images."""
    return sorted(
        child.name
        for child in folder.iterdir()
        if child.is_dir() and any(is_image_name(path.name) for path in child.iterdir())
    )


def _expression(pattern: str, split: str) -> re.Pattern[str]:
    parts, end = [], 0
    for token in _TOKEN.finditer(pattern):
        parts.append(re.escape(pattern[end : token.start()]))
        meanings = {"{id}": "(?P<id>.+)", "{split}": re.escape(split), "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
        parts.append(meanings[token[0]])
        end = token.end()
    return re.compile("".join([*parts, re.escape(pattern[end:])]))


def _fixed_folder(pattern: str, split: str) -> str:
    """The folders of a pattern before the first that varies."""
    fixed = []
    for part in PurePosixPath(pattern).parent.parts:
        if re.search(r"\{id\}|[*?]", part):
            break
        fixed.append(part.replace("{split}", split))
    return "/".join(fixed)


def _files_below(folder: DataPath) -> list[DataPath]:
    if not folder.is_dir():
        raise DatasetError(f"folder {folder} is missing: correct the pattern, or put the files there")
    return files_below(folder)
