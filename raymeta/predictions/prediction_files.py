"""Softmax or logits of images in files, as other people's trainers write them."""

import io
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final, Literal

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.data_paths import DataPath, below_root, files_below, read_parts
from raymeta.datasets.remote_paths import RemoteStorageError
from raymeta.errors import InputError
from raymeta.predictions.array_headers import stored_shape

Content = Literal["softmax", "logits"]
Layout = Literal["CHW", "HWC"]

SUFFIXES: Final = (".npy", ".npz", ".pt", ".safetensors")
MAX_ROUNDING: Final = {1: 0.25, 2: 0.02, 4: 1e-3, 8: 1e-3}
"""How far the sum over the classes may be from 1, by the bytes of a value; it is divided out where values are short."""


class PredictionError(InputError):
    """A prediction file that can't be used; the message names it and the remedy."""


class PredictionFiles:
    """The predictions below one folder, local or behind a URI.

    An image's id is its file's path without the suffix, with `/` between folders.

    content: softmax (float, or uint8 as 255ths) or logits (float). layout: order of the axes in the files.
    key: name of the array in `.npz` and `.safetensors` files, or in a dictionary of `.pt`; None where there is but one.
    """

    def __init__(self, folder: DataPath, content: Content, layout: Layout, key: str | None = None) -> None:
        """Find the files.

        Raises:
            PredictionError: no such folder, no prediction in it, or two files of one image.
            RemoteStorageError: its storage doesn't answer.
        """
        if not folder.is_dir():
            raise PredictionError(f"{folder} isn't a folder: give the one that holds the predictions")
        self.folder, self.content, self.layout, self.key = folder, content, layout, key
        self._paths: dict[str, DataPath] = {}
        for path in files_below(folder):
            if path.suffix.lower() in SUFFIXES:
                image_id = str(PurePosixPath(below_root(path, folder)).with_suffix(""))
                if image_id in self._paths:
                    other = self._paths[image_id].name
                    raise PredictionError(f"{path} and {other} are both of image {image_id}: remove one")
                self._paths[image_id] = path
        if not self._paths:
            raise PredictionError(f"{folder} holds no prediction: files end in {', '.join(SUFFIXES)}")

    @property
    def image_ids(self) -> list[str]:
        """Sorted by their UTF-8 bytes."""
        return sorted(self._paths, key=str.encode)

    def stamp(self) -> str:
        """A text that changes when a file is replaced: names, sizes and times."""
        stats = ((image_id, self._paths[image_id].stat()) for image_id in self.image_ids)
        return "\n".join(f"{image_id} {stat.st_size} {stat.st_mtime_ns}" for image_id, stat in stats)

    def path(self, image_id: str) -> DataPath:
        """The file of an image."""
        return self._paths[image_id]

    def classes(self, image_id: str) -> int | None:
        """Length of the class axis by the file's header; None where that tells none: `softmax` says what is wrong.

        Raises:
            RemoteStorageError: its storage doesn't answer.
        """
        path = self._paths[image_id]

        def shape(stream: BinaryIO) -> tuple[int, ...]:
            try:
                return stored_shape(stream, path.suffix.lower(), lambda names: _name(path, names, self.key))
            except OSError:
                raise
            except Exception:  # each library has its own for broken bytes
                return ()

        try:
            found = read_parts(path, shape)
        except RemoteStorageError:
            raise
        except OSError:
            return None
        return found[0 if self.layout == "CHW" else -1] if len(found) == 3 else None

    def softmax(self, image_id: str) -> NDArray[np.float32]:
        """(C, H, W) float32 softmax of one image.

        Raises:
            PredictionError: the file is damaged, holds no such array, or no softmax.
            OSError: it can't be read.
            RemoteStorageError: its storage doesn't answer.
        """
        path = self._paths[image_id]
        array = _read(path, self.key)
        if array.ndim != 3:
            raise PredictionError(f"{path}: has shape {array.shape}: store {self.layout}, three axes")
        values = array if self.layout == "CHW" else np.moveaxis(array, -1, 0)
        if min(values.shape) < 1:
            raise PredictionError(f"{path}: has shape {array.shape}: an axis is empty")
        return _of_logits(values, path) if self.content == "logits" else _of_softmax(values, path)


def _of_logits(values: NDArray[Any], path: DataPath) -> NDArray[np.float32]:
    if values.dtype.kind != "f":
        raise PredictionError(
            f"{path}: logits of type {values.dtype}: store floats, or set predictions.content: softmax"
        )
    logits = values.astype(np.float32)
    _check_finite(logits, path)
    sums = logits.sum(axis=0, dtype=np.float64)
    if logits.min() >= 0 and np.abs(sums - 1).max() <= MAX_ROUNDING[values.dtype.itemsize]:
        raise PredictionError(
            f"{path}: over the classes values add up to 1 everywhere, and none is negative, as in a softmax: set "
            "predictions.content: softmax"
        )
    logits -= logits.max(axis=0)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=0)
    return np.ascontiguousarray(logits)


def _of_softmax(values: NDArray[Any], path: DataPath) -> NDArray[np.float32]:
    if values.dtype.kind != "f" and values.dtype != np.uint8:
        raise PredictionError(f"{path}: softmax of type {values.dtype}: store floats, or uint8 as 255ths")
    softmax = np.ascontiguousarray(values, dtype=np.float32)
    if values.dtype == np.uint8:
        softmax = softmax / np.float32(255)
    _check_finite(softmax, path)
    sums = softmax.sum(axis=0, dtype=np.float64)
    limit = MAX_ROUNDING[values.dtype.itemsize]
    if not (softmax.min() >= 0 and np.abs(sums - 1).max() <= limit):
        raise PredictionError(
            f"{path}: over the classes values add up to {sums.min():.3g} to {sums.max():.3g} and start at "
            f"{softmax.min():.3g}, a softmax adds up to 1: is predictions.content logits, or the layout not this one?"
        )
    if values.dtype.itemsize < 4:  # short values were rounded one by one
        softmax = softmax / sums.astype(np.float32)
    return softmax


def _check_finite(values: NDArray[np.float32], path: DataPath) -> None:
    wrong = values.size - int(np.isfinite(values).sum())
    if wrong:
        raise PredictionError(
            f"{path}: {wrong} of {values.size} values are NaN or infinite: look why the network gives them, "
            "and predict the image anew"
        )


def _read(path: DataPath, key: str | None) -> NDArray[Any]:
    """The array of one file: a local one is mapped into memory, one behind a URI is read whole."""
    try:
        return _READERS[path.suffix.lower()](path, key)
    except (PredictionError, RemoteStorageError):
        raise
    except FileNotFoundError:
        raise
    except Exception as error:  # each library has its own for broken bytes: pickle, zip, header, runtime errors
        if "allow_pickle" in str(error):
            raise PredictionError(
                f"{path}: holds Python objects, which aren't opened: store one array of floats"
            ) from error
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PredictionError(f"{path}: can't be read: {reason}; write it again") from error


def _source(path: DataPath, starts: tuple[bytes, ...]) -> Path | io.BytesIO:
    """What a library opens. Raises PredictionError for a file of another kind: it begins with none of `starts`."""
    if isinstance(path, Path):
        with path.open("rb") as stream:
            start = stream.read(8)
    else:
        start = (data := path.read_bytes())[:8]
    if not start.startswith(starts):
        raise PredictionError(
            f"{path}: isn't a {path.suffix} file by its first bytes, {start!r}: write it again, or move it away"
        )
    return path if isinstance(path, Path) else io.BytesIO(data)


def _read_npy(path: DataPath, _: str | None) -> NDArray[Any]:
    mapped: Literal["r"] | None = "r" if isinstance(path, Path) else None
    return np.asarray(np.load(_source(path, (b"\x93NUMPY",)), mmap_mode=mapped, allow_pickle=False))


def _read_npz(path: DataPath, key: str | None) -> NDArray[Any]:
    with np.load(_source(path, (b"PK",)), allow_pickle=False) as arrays:
        return np.asarray(arrays[_name(path, list(arrays.files), key)])


def _read_pt(path: DataPath, key: str | None) -> NDArray[Any]:
    import torch

    found = torch.load(
        _source(path, (b"PK", b"\x80")), map_location="cpu", weights_only=True, mmap=isinstance(path, Path)
    )
    if isinstance(found, dict):
        found = found[_name(path, [str(name) for name in found], key)]
    if not isinstance(found, torch.Tensor):
        raise PredictionError(f"{path}: holds {type(found).__name__}: store one tensor")
    return _as_array(found)


def _read_safetensors(path: DataPath, key: str | None) -> NDArray[Any]:
    try:
        from safetensors import safe_open
        from safetensors.torch import load
    except ImportError:
        raise PredictionError(f"{path}: needs the package safetensors: pip install safetensors") from None
    if not isinstance(path, Path):
        found = load(path.read_bytes())
        return _as_array(found[_name(path, list(found), key)])
    with safe_open(path, framework="pt") as tensors:
        return _as_array(tensors.get_tensor(_name(path, list(tensors.keys()), key)))


def _as_array(tensor: Any) -> NDArray[Any]:
    """bfloat16, which numpy lacks, becomes float32."""
    import torch

    return np.asarray((tensor.float() if tensor.dtype == torch.bfloat16 else tensor).detach().numpy())


def _name(path: DataPath, names: list[str], key: str | None) -> str:
    if key is not None and key in names:
        return key
    if key is None and len(names) == 1:
        return names[0]
    wanted = "several arrays" if key is None else f"no array {key!r}"
    raise PredictionError(f"{path}: holds {wanted}: set predictions.key to one of {', '.join(sorted(names)) or 'none'}")


_READERS: Final[dict[str, Callable[[DataPath, str | None], NDArray[Any]]]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".pt": _read_pt,
    ".safetensors": _read_safetensors,
}
