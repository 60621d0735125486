"""Bad input ends in one clear message and exit code 2, and costs nobody data; and what the command line offers."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys

import pytest
import yaml
from refusals import assert_refused

import raymeta
from raymeta.cli import main
from raymeta.cli.command_line import parse
from raymeta.config import flatten, load_config, parse_config
from raymeta.config.presets import BOX_WIDTHS
from raymeta.datasets.registry import open_dataset
from raymeta.errors import EXIT_BAD_INPUT, InputError, RunFailedError, WaitingForPeople
from raymeta.loop.experiment_split import experiment_split
from raymeta.runs.run_store import RunStore


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("dataset.root=/nowhere/data", ["/nowhere/data"]),
        ("acquisition.box_width=33", ["box_width 33", "choose at most 32"]),
        ("acquisition.boxwidth=8", ["acquisition.boxwidth", "unknown key"]),
        ("acquisition.query_size=many", ["acquisition.query_size", "'many'"]),
        ("acquisition.query_size=33", ["query_size 33", "choose at most 32"]),
        ("acquisition.initial_images=5", ["need 7 images", "the pool has 6"]),
        ("run_dir=/proc/raymeta", ["/proc/raymeta"]),
        ("run_dir=nosuch://bucket/run", ["nosuch"]),
        ("run_dir=~nosuchuser/run", ["run_dir '~nosuchuser/run'", "~nosuchuser is nobody's", "in full"]),
        ("acquisition.match_cost_of=~nosuchuser/run", ["'~nosuchuser/run'", "~nosuchuser is nobody's"]),
        ("dataset.root=~nosuchuser/data", ["dataset.root '~nosuchuser/data'", "~nosuchuser is nobody's"]),
        ('dataset.root="a\\0b"', ["dataset.root 'a\\x00b'", "null character: remove it"]),
        ('run_dir="a\\0b"', ["run_dir 'a\\x00b'", "null character: remove it"]),
        ("acquisition.initial_images=4", ["initial_images 4 and meta_images 2 take all 6", "choose smaller sets"]),
    ],
)
def test_bad_values(config, capsys, override, words):
    assert_refused(capsys, ["run", config, override], *words)


def test_missing_config(tmp_path, capsys):
    assert_refused(capsys, ["run", tmp_path / "none.yaml"], "none.yaml")


def test_run_folder_of_another_config_shows_the_difference(config, camvid, capsys):
    from raymeta.config import load_config
    from raymeta.runs.run_store import RunStore

    RunStore(str(camvid / "run")).create(load_config(config))
    before = (camvid / "run/config.yaml").read_bytes()
    for command in ("run", "check"):
        assert_refused(capsys, [command, config, "seed=5"], "seed: 0 → 5", str(camvid / "run"))
        assert (camvid / "run/config.yaml").read_bytes() == before


def test_overrides_may_follow_options(config, capsys):
    assert_refused(capsys, ["run", config, "--address", "local", "acquisition.box_width=33"], "box_width 33")
    with pytest.raises(SystemExit):
        main(["run", str(config), "--address", "local", "--nonsense"])
    assert "unrecognized arguments: --nonsense" in capsys.readouterr().err


def test_report_of_no_run(tmp_path, capsys):
    assert_refused(capsys, ["report", tmp_path], "holds no run")


def test_scenes(tmp_path, capsys):
    root = tmp_path / "scenes"
    arguments = ["scenes", str(root), "--train", "2", "--val", "1", "--height", "64", "--width", "128"]
    assert main(arguments) == 0
    assert len(list(root.rglob("*_leftImg8bit.png"))) == 3
    assert_refused(capsys, ["scenes", root, "--train", "0"], "--train 0")
    assert_refused(capsys, ["scenes", "~nosuchuser/scenes"], "OUT_DIR '~nosuchuser/scenes'")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["run", "--help"]])
def test_help_as_a_module(arguments):
    done = subprocess.run(
        [sys.executable, "-m", "raymeta", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "99"},
    )
    assert done.returncode == 0
    assert done.stdout.strip() == f"raymeta {raymeta.__version__}" or "usage: raymeta" in done.stdout


def test_importing_the_core_does_not_import_ray():
    code = "import raymeta.acquisition.pool_scoring, sys; assert 'ray' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], ("holds no run",)),
        (["~nosuchuser/run"], ("RUN '~nosuchuser/run': ~nosuchuser is nobody's home",)),
        (["RUN", "--access-log", "~nosuchuser/log"], ("--access-log '~nosuchuser/log': ~nosuchuser is nobody's",)),
        (["RUN", "--port", "0"], ("--port 0", "1 to 65535")),
        (["RUN", "--replicas", "0"], ("--replicas 0",)),
        (["RUN", "--max-megapixels", "nan"], ("--max-megapixels nan",)),
        (["RUN", "--dataset-root", "nowhere"], ("nowhere is not there",)),
        (["RUN", "--host", "192.0.2.77"], ("nothing can listen at 192.0.2.77:8000", "choose another --port")),
    ],
)
def test_serve_refuses_what_it_cannot_serve(config, capsys, arguments, words):
    begin_run(config)
    run = str(config.parent / "run")
    assert_refused(capsys, ["serve", *[run if argument == "RUN" else argument for argument in arguments]], *words)


def test_serve_refuses_an_empty_token(config, capsys, monkeypatch):
    begin_run(config)
    monkeypatch.setenv("RAYMETA_TOKEN", " ")
    assert_refused(capsys, ["serve", config.parent / "run"], "RAYMETA_TOKEN is empty")


def test_serve_refuses_a_port_that_is_taken(config, capsys):
    begin_run(config)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert_refused(capsys, ["serve", config.parent / "run", "--port", port], f"127.0.0.1:{port}", "--port")


def begin_run(config):
    """What `raymeta run` writes first."""
    values = load_config(config)
    dataset = open_dataset(values.dataset, values.seed)
    store = RunStore(values.run_dir)
    store.create(values)
    store.write_split(experiment_split(values, dataset).to_table())


COMMANDS = [
    "demo",
    "check",
    "run",
    "sweep",
    "scenes",
    "report",
    "export",
    "requery",
    "status",
    "config",
    "serve",
    "doctor",
    "glossary",
    "select",
    "label",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_shows_an_example_that_parses(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    examples = re.findall(rf"^  raymeta ({command}\b.*)$", shown, re.M)
    assert examples
    for example in examples:
        assert parse(shlex.split(example)).command


def test_only_our_own_errors_are_told_in_a_line(config, capsys, monkeypatch):
    """Whatever `check` runs into: what each kind of error becomes."""

    def end(error):
        def check_experiment(*_):
            raise error

        monkeypatch.setattr("raymeta.loop.check.check_experiment", check_experiment)
        code = main(["check", str(config)])
        return code, capsys.readouterr().err

    assert end(InputError("s3://key:se/cret@bucket: wrong")) == (2, "raymeta: s3://…@bucket: wrong\n")
    assert end(PermissionError(13, "Permission denied", "/x"))[0] == 2
    assert end(RunFailedError("lost")) == (1, "raymeta: lost\n")
    assert end(WaitingForPeople("label 3 images")) == (3, "raymeta: label 3 images\n")
    for fault in (ValueError("s3://key:se/cret@bucket"), KeyError("clicks"), RuntimeError("x")):
        code, shown = end(fault)
        assert code == 1
        assert "Traceback" in shown
        assert "in check_experiment" in shown
        assert "this is a fault of raymeta" in shown
        assert "se/cret" not in shown


def test_debug_shows_the_traceback_of_our_own_errors(config, capsys):
    assert main(["check", str(config), "dataset.root=/nowhere", "seed=x", "--debug"]) == 2
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert shown.splitlines()[-1].lstrip().startswith("seed:")


def test_a_log_file_is_appended_to_and_hides_secrets(config, camvid, capsys):
    log = camvid / "log.txt"
    log.write_text("before\n")
    assert (
        main(["check", str(config), "run_dir=nosuch://key:se/cret@bucket/run", "--log-file", str(log), "--debug"]) == 2
    )
    text = log.read_text()
    assert text.startswith("before\n")
    assert "se/cret" not in text
    assert_refused(capsys, ["check", config, "--log-file", camvid / "no/such/log.txt"], "--log-file")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu", "x.yaml"], ["did you mean run?"]),
        (["run", "x.yaml", "--seed=1"], ["written without dashes: seed=1"]),
        (["run", "x.yaml", "--acquisition.box_width", "16"], ["without dashes: acquisition.box_width=16"]),
    ],
)
def test_a_slip_gets_a_hint(arguments, words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    shown = capsys.readouterr().err
    assert all(word in shown for word in words)


@pytest.mark.parametrize(
    ("override", "meant"),
    [
        ("acquisition.box_widht=3", "acquisition.box_width"),
        ("batch_size=4", "training.batch_size"),
        ("trainnig.batch_size=4", "training"),
        ("iteration=4", "iterations"),
        ("acquisition.strategy=metabox_pls", "metabox_plus"),
        ("network.kind=fcn", "fcn8"),
    ],
)
def test_a_wrong_key_or_choice_gets_the_nearest(config, capsys, override, meant):
    assert_refused(capsys, ["check", config, override], f"did you mean {meant}")


def test_keys_are_those_of_the_model(config, capsys):
    assert main(["config", "--keys", "--json"]) == 0
    keys = {key["name"]: key for key in json.loads(capsys.readouterr().out)}
    assert set(flatten(load_config(config))) - {"study", "trackers"} <= set(keys)  # trackers.kind: keys of a list
    assert all(key["meaning"] for key in keys.values())
    width = keys["acquisition.box_width"]
    assert (width["kind"], width["default"]) == ("whole number ≥ 1 ≤ 32768", "96")
    assert all(f"{unit}: {side}" in width["meaning"] for unit, side in BOX_WIDTHS.items() if unit != "box")
    assert keys["dataset.root"]["default"] is None
    assert keys["network.weights"]["kind"] == "path or URI or none"
    assert main(["config", "--keys", "training.schedule"]) == 0
    name, kind, default, _ = capsys.readouterr().out.strip().split("\t")
    assert (name, kind, default) == ("training.schedule", "constant | poly | cosine | one_cycle", "constant")
    assert_refused(capsys, ["config", "--keys", "trainig"], "did you mean training")


def test_config_shows_all_values_of_a_file(config, capsys):
    assert main(["config", str(config), "seed=3"]) == 0
    assert parse_config(yaml.safe_load(capsys.readouterr().out)) == load_config(config, ["seed=3"])


def test_doctor_names_what_is_wrong(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / ("x" * 90)))
    assert main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert f"raymeta {raymeta.__version__}" in shown
    assert "torch " in shown
    assert "set RAY_TMPDIR" in shown


def test_a_home_that_can_not_be_written_is_told_and_is_no_fault(capsys, monkeypatch, tmp_path):
    """A container with a read-only HOME runs the demo."""
    main(["doctor"])
    before = capsys.readouterr().out
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    main(["doctor"])
    shown = capsys.readouterr().out
    assert f"HOME {tmp_path / 'none'} (can't be written)" in shown
    assert shown.count("wrong") == before.count("wrong")


def test_doctor_tells_of_a_python_whose_path_a_shell_splits(capsys, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/my files/bin/python")
    main(["doctor"])
    assert "/my files/bin/python" in capsys.readouterr().out


def test_doctor_imports_what_a_run_imports(tmp_path):
    (tmp_path / "catboost.py").write_text("raise ImportError('libnothing.so.1: cannot open shared object file')")
    command = [sys.executable, "-m", "raymeta", "doctor"]
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    wrong = [line for line in done.stdout.splitlines() if line.startswith("wrong: ")]
    assert any(line.startswith("wrong: catboost") and "libnothing.so.1" in line for line in wrong)
    assert not any("numpy" in line for line in wrong)


def test_a_command_without_a_name_gets_the_help(capsys):
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == EXIT_BAD_INPUT
    assert "glossary" in capsys.readouterr().err


@pytest.mark.parametrize(("word", "heads"), [("cost_a", ["cost_A"]), ("R²", ["R²"]), ("meta set", ["meta set, M"])])
def test_words_are_explained(word, heads, capsys):
    assert main(["glossary", word]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == heads
    assert all(len(line) <= 100 for line in lines)


def test_all_words_are_listed_and_a_slip_gets_a_hint(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["glossary"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n{word}\n" in f"\n{out}" for word in ("cost_B", "iteration", "segment", "task"))
    assert max(map(len, out.splitlines())) <= 60
    assert main(["glossary", "itteration"]) == EXIT_BAD_INPUT
    assert "did you mean iteration" in capsys.readouterr().err
