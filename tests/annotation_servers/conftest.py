"""A run that waits for people, made once, a copy for each test."""

import shutil

import pytest
from people_at_servers import waiting_run


@pytest.fixture(scope="session")
def asked(tmp_path_factory):
    return waiting_run(tmp_path_factory.mktemp("asked_at_servers"))


@pytest.fixture
def run(asked, tmp_path):
    return shutil.copytree(asked, tmp_path / "run")
