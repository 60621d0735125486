"""A command whose package isn't installed says which extra installs it."""

import subprocess
import sys

import pytest
from simulated_person import config_text, write_images
from tiny_settings import child_environment

from raymeta.errors import EXIT_BAD_INPUT, PACKAGES_OF_EXTRAS, end_of

WITHOUT = """
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "ray":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Without())
from raymeta.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("command", ["run", "serve", "sweep"])
def test_a_command_without_ray(tmp_path, command):
    write_images(tmp_path / "data", labelled=True)
    config = tmp_path / "config.yaml"
    config.write_text(config_text(tmp_path / "data", tmp_path / "run", "{kind: simulated}"))
    words = [sys.executable, "-c", WITHOUT, command, str(config)]
    done = subprocess.run(words, env=child_environment(tmp_path), capture_output=True, text=True, timeout=120)
    assert done.returncode == EXIT_BAD_INPUT, done.stderr
    assert "raymeta[ray]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("package", "extra"), PACKAGES_OF_EXTRAS.items())
def test_every_optional_package_names_its_extra(package, extra):
    code, text = end_of(ModuleNotFoundError(f"No module named '{package}.part'", name=f"{package}.part"))
    assert code == EXIT_BAD_INPUT
    assert f"raymeta[{extra}]" in text


def test_a_missing_package_of_ours_is_a_fault():
    code, text = end_of(ModuleNotFoundError("No module named 'numpy'", name="numpy"))
    assert code == 1
    assert "fault of raymeta" in text


def test_commands_import_nothing_heavy():
    code = (
        "import sys; from raymeta.cli import command_line; command_line.parse(['status', 'x']); "
        "print(sorted({'ray', 'torch', 'numba', 'catboost', 'cv2', 'sklearn', 'matplotlib', 'scipy', 'pandas', "
        "'fastapi', 'mlflow', 'wandb', 'tensorboard'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
