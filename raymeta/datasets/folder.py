"""Own data without code: a folder of images, label PNGs of the same names, and a class list in YAML."""

from pathlib import Path
from typing import Any

from raymeta.argument_checks import nearest
from raymeta.datasets.class_colors import with_automatic_colors
from raymeta.datasets.class_list import ClassList
from raymeta.datasets.data_paths import DataPath, read_whole
from raymeta.datasets.file_dataset import DatasetFiles, sorted_ids
from raymeta.datasets.file_patterns import find_by_pattern
from raymeta.datasets.image_files import list_images
from raymeta.datasets.sample import IGNORED, DatasetError
from raymeta.datasets.sample_files import FoundFiles, match_stems, pair_files, require_folders
from raymeta.local_files import LocalFileError
from raymeta.safe_yaml import MAX_BYTES, YamlError, load_yaml

CLASS_FILE = "classes.yaml"
LAYOUT = (
    f"images/{{train,val}}/<name>.png (or .jpg, .tif, .webp, .bmp), labels/{{train,val}}/<name>.png and {CLASS_FILE}"
)
CLASS_FORM = (
    "write `classes: [road, car]`, or with the values of the label maps "
    "`classes: [{name: road, value: 0, color: [128, 64, 128]}, {name: car, value: 1}]` and `void: [255]`"
)
"""What a class list looks like; told once, below its faults."""


def find_folder(
    root: DataPath,
    image_pattern: str | None = None,
    label_pattern: str | None = None,
    validation_every: int | None = None,
    *,
    test: bool = False,
) -> DatasetFiles:
    """Files of a plain folder below `root`; the pool is `train`. Images without a label map are for people to label.

    image_pattern, label_pattern: where files are, as in `find_by_pattern`; none is the usual layout. validation_every:
    in place of the parts `train` and `val`, of all images in the order of their ids this is one for validation. test:
    whether the split `test` is opened too.

    Raises:
        DatasetError: another layout, or a class list with faults: one line for each of them.
    """
    splits = ["train", "val", *(["test"] if test else [])]
    if image_pattern is None:
        require_folders(root, [f"images/{split}" for split in splits], LAYOUT)
    require_folders(root, [], LAYOUT)
    classes = read_class_list(root / CLASS_FILE)
    if validation_every is not None:
        pool, validation = _parted(_find_part(root, "train", image_pattern, label_pattern), root, validation_every)
        return DatasetFiles.of(folder_name(root), classes, pool, validation, own_classes=True)
    pool, validation, *rest = (_find_part(root, split, image_pattern, label_pattern) for split in splits)
    found = rest[0] if test else None
    return DatasetFiles.of(folder_name(root), classes, pool, validation, own_classes=True, test=found)


def folder_name(root: DataPath) -> str:
    """Name of the data set: that of the folder which the root leads to."""
    return (root.resolve() if isinstance(root, Path) else root).name


def _find_part(root: DataPath, split: str, image_pattern: str | None, label_pattern: str | None) -> FoundFiles:
    """Files of one part by image id."""
    usual = f"images/{split}", f"labels/{split}"
    if image_pattern is None and label_pattern is None:
        return pair_files(root / usual[0], root / usual[1], has_patterns=True)
    images = (
        list_images(root / usual[0])
        if image_pattern is None
        else find_by_pattern(root, "dataset.image_pattern", image_pattern, split)
    )
    if label_pattern is not None:
        labels = find_by_pattern(root, "dataset.label_pattern", label_pattern, split)
    else:
        labels = list_images(root / usual[1]) if (root / usual[1]).is_dir() else {}
    where = image_pattern or f"{usual[0]}/{{id}}"
    if not images:
        raise DatasetError(f"no image in {root} is like {where.replace('{split}', split)}: correct the pattern")
    return match_stems(images, labels, label_pattern or "labels/{split}/{id}.png", root, split)


def _parted(found: FoundFiles, root: DataPath, every: int) -> tuple[FoundFiles, FoundFiles]:
    """All images as pool and validation; raises DatasetError where one of them would be empty."""
    ids = sorted_ids(found.samples)
    if len(ids) < every:
        raise DatasetError(
            f"{root}: {len(ids)} images, and each {every}th is to validate (dataset.validation_every): give more images"
        )
    chosen = set(ids[every - 1 :: every])
    parts = ([image_id for image_id in ids if image_id not in chosen], sorted_ids(chosen))
    pool, validation = ({image_id: found.samples[image_id] for image_id in part} for part in parts)
    return FoundFiles(pool, found.orphans, found.absent), FoundFiles(validation, (), found.absent)


def read_class_list(path: DataPath) -> ClassList:
    """Classes of a YAML file: `classes`, `void`, ignored values, and `remap`.

    `classes` is a list of names or of `{name, value, color}`, in the order of train ids; without any `value`, places in
    the list are the values too. `color` is optional; `void` is [255] where it is left out, without the values that
    `remap` names. `remap` takes a value of the files for another, as in `{255: 1, 7: 0}`.

    Raises:
        DatasetError: missing or unreadable file, or faulty entries: one line for each of them.
    """
    content = _load(path)
    faults = [f"unknown key {key!r}" for key in content if key not in ("classes", "void", "remap")]
    entries = content.get("classes")
    if not isinstance(entries, list) or not 2 <= len(entries) <= 255:
        faults.append("'classes' isn't a list of 2 to 255 classes")
        entries = []
    entries = _valued(entries)
    remap = content.get("remap", {})
    if not isinstance(remap, dict) or not all(_is_byte(value) for pair in remap.items() for value in pair):
        faults.append(f"'remap' {remap!r} is no {{value in the files: value of a class or void}} of 0 to 255")
        remap = {}
    void = content.get("void", [value for value in [IGNORED] if value not in remap])
    if not isinstance(void, list) or not all(_is_byte(value) for value in void):
        faults.append(f"'void' {void!r} isn't a list of values 0 to 255")
        void = []
    for index, entry in enumerate(entries):
        faults.extend(f"class {index}: {fault}" for fault in _entry_faults(entry))
    if not faults:
        faults = _duplicates(entries, void) + _remap_faults(remap, entries, void)
    if faults:
        raise DatasetError("\n".join([*(f"{path}: {fault}" for fault in faults), CLASS_FORM]))
    colors = with_automatic_colors([entry.get("color") for entry in entries])
    train_ids = {entry["value"]: index for index, entry in enumerate(entries)} | dict.fromkeys(void, IGNORED)
    train_ids |= {value: train_ids[target] for value, target in remap.items()}
    return ClassList(tuple(entry["name"] for entry in entries), colors, train_ids)


def _load(path: DataPath) -> dict[Any, Any]:
    try:
        content = load_yaml(read_whole(path, MAX_BYTES).decode())
    except FileNotFoundError:
        raise DatasetError(f"{path}: there is no class list: {CLASS_FORM}") from None
    except (OSError, UnicodeDecodeError, LocalFileError, YamlError) as error:
        raise DatasetError(f"{path}: can't be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path}: holds a {type(content).__name__}, not keys with values: {CLASS_FORM}")
    return content


def _valued(entries: list[Any]) -> list[Any]:
    """Entries with name and value: where none has a value, its place in the list is it; a bare text is a name."""
    named = [{"name": entry} if isinstance(entry, str) else entry for entry in entries]
    if any(not isinstance(entry, dict) or "value" in entry for entry in named):
        return named
    return [{**entry, "value": place} for place, entry in enumerate(named)]


def _entry_faults(entry: Any) -> list[str]:
    if not isinstance(entry, dict):
        return [f"{entry!r} isn't a name: put it in quotes"]
    known = ("name", "value", "color")
    faults = [f"unknown key {key!r}{nearest(str(key), known)}" for key in entry if key not in known]
    name, color = entry.get("name"), entry.get("color", [0, 0, 0])
    if not isinstance(name, str) or not name:
        faults.append(f"name {name!r} isn't text" + (": put it in quotes" if name else ""))
    if "value" not in entry:
        faults.append(f"{name!r} has no value: give one to every class, or to none")
    elif not _is_byte(entry["value"]):
        faults.append(f"value {entry['value']!r} isn't a whole number 0 to 255")
    if not isinstance(color, list) or len(color) != 3 or not all(_is_byte(channel) for channel in color):
        faults.append(f"color {color!r} is no [red, green, blue] of 0 to 255")
    return faults


def _duplicates(entries: list[dict[str, Any]], void: list[int]) -> list[str]:
    names = [entry["name"] for entry in entries]
    values = [entry["value"] for entry in entries]
    faults = [f"name {name!r} appears more than once" for name in sorted(set(names)) if names.count(name) > 1]
    faults += [f"value {value} has more than one class" for value in sorted(set(values)) if values.count(value) > 1]
    return faults + [f"value {value} is a class and void" for value in sorted(set(values) & set(void))]


def _remap_faults(remap: dict[int, int], entries: list[dict[str, Any]], void: list[int]) -> list[str]:
    known = {entry["value"] for entry in entries} | set(void)
    faults = [
        f"remap of {value} to {new}: {new} is neither a class nor void"
        for value, new in remap.items()
        if new not in known
    ]
    return faults + [f"value {value} is void and remapped" for value in sorted(set(remap) & set(void))]


def _is_byte(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255
