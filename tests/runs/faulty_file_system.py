"""A file system that isn't local, slow and failing as told, around a real folder."""

import random
import threading
import time
from pathlib import Path
from typing import Any

from pyarrow import fs


class FaultyHandler(fs.FileSystemHandler):
    """Passes all calls to a folder; `failing` shares of them raise, after `delay_s` seconds each.

    Writes that fail leave a torn file behind, as a store without atomic writes does.
    """

    def __init__(self, root: Path, seed: int = 0, failing: float = 0.0, delay_s: float = 0.0) -> None:
        self.inner = fs.SubTreeFileSystem(str(root), fs.LocalFileSystem())
        self.random = random.Random(seed)
        self.failing = failing
        self.delay_s = delay_s
        self.failures = 0
        self.lock = threading.Lock()

    def trouble(self) -> None:
        time.sleep(self.delay_s)
        with self.lock:
            fails = self.random.random() < self.failing
            self.failures += fails
        if fails:
            raise OSError("injected: 503 slow down")

    def get_type_name(self) -> str:
        return "faulty"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> Any:
        self.trouble()
        return self.inner.get_file_info(paths)

    def get_file_info_selector(self, selector: fs.FileSelector) -> Any:
        self.trouble()
        return self.inner.get_file_info(selector)

    def create_dir(self, path: str, recursive: bool) -> None:
        self.trouble()
        self.inner.create_dir(path, recursive=recursive)

    def delete_dir(self, path: str) -> None:
        self.trouble()
        self.inner.delete_dir(path)

    def delete_dir_contents(self, path: str, missing_dir_ok: bool = False) -> None:
        self.inner.delete_dir_contents(path, missing_dir_ok=missing_dir_ok)

    def delete_root_dir_contents(self) -> None:
        raise NotImplementedError

    def delete_file(self, path: str) -> None:
        self.trouble()
        self.inner.delete_file(path)

    def move(self, src: str, dest: str) -> None:
        raise NotImplementedError

    def copy_file(self, src: str, dest: str) -> None:
        raise NotImplementedError

    def open_input_stream(self, path: str) -> Any:
        self.trouble()
        return self.inner.open_input_stream(path)

    def open_input_file(self, path: str) -> Any:
        self.trouble()
        return self.inner.open_input_file(path)

    def open_output_stream(self, path: str, metadata: Any) -> Any:
        try:
            self.trouble()
        except OSError:
            with self.inner.open_output_stream(path) as stream:
                stream.write(b"torn")
            raise
        return self.inner.open_output_stream(path)

    def open_append_stream(self, path: str, metadata: Any) -> Any:
        raise NotImplementedError


def faulty_file_system(root: Path, **trouble: Any) -> tuple[fs.PyFileSystem, FaultyHandler]:
    handler = FaultyHandler(root, **trouble)
    return fs.PyFileSystem(handler), handler
