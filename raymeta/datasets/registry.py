"""Opens the data set that a config names."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from raymeta.config import DatasetConfig
from raymeta.datasets.camvid import find_camvid
from raymeta.datasets.cityscapes import find_cityscapes
from raymeta.datasets.data_paths import DataPath
from raymeta.datasets.file_cache import FileCache, default_folder
from raymeta.datasets.file_dataset import DatasetFiles, FileDataset
from raymeta.datasets.folder import find_folder
from raymeta.datasets.outages import SteadyDataset
from raymeta.datasets.read_sizes import ReadSize
from raymeta.datasets.remote_paths import data_path
from raymeta.datasets.sample import Dataset, DatasetError
from raymeta.datasets.street_scenes.dataset import write_street_scenes
from raymeta.local_files import LocalFileError, local_path
from raymeta.locations import hide_secrets


def open_dataset(config: DatasetConfig, seed: int = 0) -> Dataset:
    """The data set of a config; street scenes are generated into a local folder first, where they are not there yet.

    seed: decides which images `max_pool_images` keeps.

    Raises:
        DatasetError: a folder is missing or holds another layout; the message tells what is expected.
    """
    files = DATASET_KINDS[config.kind](config)
    files = files.limited(config.max_pool_images, config.max_validation_images, seed)
    return FileDataset(files, ReadSize.in_config(config), config.grey_bits)


def open_existing(config: DatasetConfig, seed: int) -> Dataset:
    """Open a data set that must be there already: nothing is generated.

    Raises:
        DatasetError: the folder is not there.
    """
    if not data_folder(config).is_dir():
        raise DatasetError(f"dataset.root {config.root} is not there: restore it to see class names and panels")
    return open_dataset(config, seed)


def open_steady(config: DatasetConfig, seed: int, dataset: Dataset | None = None) -> SteadyDataset:
    """A data set of a run that goes on: its storage may drop out for `config.outage_wait_s` seconds.

    dataset: where it is open already; else it was open elsewhere, so that it is only waited for.

    Raises:
        DatasetUnreachableError: it doesn't come.
    """
    return SteadyDataset(partial(open_existing, config, seed), str(data_folder(config)), config.outage_wait_s, dataset)


def data_folder(config: DatasetConfig) -> DataPath:
    """The folder that `dataset.root` names, `~` expanded. Raises DatasetError where there can be no such folder."""
    copies = None
    if "://" in config.root and not config.root.startswith("file://"):
        copies = FileCache(_copies_folder(config), int(config.cache_gib * 2**30))
    try:
        return data_path(config.root, copies)
    except LocalFileError as error:
        raise DatasetError(f"dataset.root {config.root!r}: {error}") from None


def _copies_folder(config: DatasetConfig) -> Path:
    """Where copies of remote files are kept. Raises DatasetError where `dataset.cache_dir` names no local folder."""
    if config.cache_dir is None:
        return default_folder()
    if "://" in config.cache_dir:
        raise DatasetError(f"dataset.cache_dir {hide_secrets(config.cache_dir)}: choose a folder on the local disk")
    try:
        return local_path(config.cache_dir)
    except LocalFileError as error:
        raise DatasetError(f"dataset.cache_dir {config.cache_dir!r}: {error}") from None


def _open_street_scenes(config: DatasetConfig) -> DatasetFiles:
    scenes = config.scenes
    root = data_folder(config)
    numbers = scenes.train_images, scenes.validation_images, scenes.height, scenes.width, scenes.seed
    if isinstance(root, Path):
        write_street_scenes(root, *numbers, test_images=scenes.test_images)
    return find_cityscapes(root, name="street_scenes", test=config.test)


DATASET_KINDS: dict[str, Callable[[DatasetConfig], DatasetFiles]] = {
    "cityscapes": lambda config: find_cityscapes(data_folder(config), test=config.test),
    "camvid": lambda config: find_camvid(data_folder(config), test=config.test),
    "folder": lambda config: find_folder(
        data_folder(config), config.image_pattern, config.label_pattern, config.validation_every, test=config.test
    ),
    "street_scenes": _open_street_scenes,
}
"""Kind of data set → finder of its files. A new kind is one file and one line here."""
