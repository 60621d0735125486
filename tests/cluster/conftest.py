"""Small experiments on generated scenes, run by the real command in its own process."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tiny_settings import child_environment, tiny_values, write_scenes


def heed_sigint() -> None:
    """In a child: Ctrl-C counts even where these tests run in the background, whose processes ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Runner:
    """Runs `raymeta run` on the small experiment in a folder of its own."""

    def __init__(self, folder: Path, scenes: Path) -> None:
        self.folder = folder
        self.scenes = scenes
        self.config = folder / "config.yaml"
        self.config.write_text(yaml.safe_dump(tiny_values(scenes, str(folder / "run"))))

    @property
    def run_dir(self) -> Path:
        return self.folder / "run"

    def command(self, *overrides: str) -> list[str]:
        return [sys.executable, "-m", "raymeta", "run", str(self.config), *overrides]

    def start(self, *overrides: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*overrides),
            env=child_environment(self.folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=heed_sigint,
            start_new_session=True,
        )

    def raymeta(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Any other command, to its end."""
        command = [sys.executable, "-m", "raymeta", *arguments]
        return subprocess.run(command, env=child_environment(self.folder), capture_output=True, text=True, timeout=400)

    def run(self, *overrides: str) -> str:
        process = self.start(*overrides)
        output, _ = process.communicate(timeout=400)
        assert process.returncode == 0, output
        return output


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("scenes") / "scenes")


@pytest.fixture
def runner(tmp_path: Path, scenes: Path) -> Runner:
    return Runner(tmp_path, scenes)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, scenes: Path) -> Runner:
    """The run that every disturbed one must equal."""
    runner = Runner(tmp_path_factory.mktemp("undisturbed"), scenes)
    runner.output = runner.run()  # type: ignore[attr-defined]
    return runner
