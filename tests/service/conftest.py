"""One tiny run behind a real HTTP server, shared by all tests of this room; nothing changes it."""

from collections.abc import Iterator

import cv2
import httpx
import numpy as np
import pytest
import torch
from fastapi import FastAPI
from tiny_runs import TinyRun, encode, serving

from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """metabox_plus with two finished iterations of three; read only."""
    torch.set_num_threads(1)
    tiny = TinyRun(tmp_path_factory.mktemp("tiny"))
    tiny.commit(0)
    tiny.commit(1)
    return tiny


@pytest.fixture(scope="session")
def settings(run: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> ServiceSettings:
    log = tmp_path_factory.mktemp("log") / "access.log"
    return ServiceSettings(
        run.location, max_body_bytes=200_000, max_pixels=100_000, threads=1, access_log=str(log), poll_s=0.05
    )


@pytest.fixture(scope="session")
def app(settings: ServiceSettings) -> FastAPI:
    return create_app(settings, LocalBackend(settings))


@pytest.fixture(scope="session")
def url(app: FastAPI) -> Iterator[str]:
    with serving(app) as found:
        yield found


@pytest.fixture(scope="session")
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=30) as found:
        yield found


@pytest.fixture(scope="session")
def pixels() -> np.ndarray:
    """An image that no run has seen, (40, 56, 3) uint8 RGB."""
    rng = np.random.default_rng(5)
    return cv2.resize(rng.integers(0, 256, (10, 14, 3), dtype=np.uint8), (56, 40), interpolation=cv2.INTER_NEAREST)


@pytest.fixture(scope="session")
def png(pixels: np.ndarray) -> bytes:
    return encode(pixels)
