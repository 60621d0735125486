"""annotators.yaml: who may answer; it holds no token, and a faulty one lets nobody in."""

import hashlib

import pytest
import yaml

from raymeta.cli import main
from raymeta.labels.annotator_list import AnnotatorListError, add_annotator, load_annotators, remove_annotator


def test_a_token_lets_its_person_in_and_stands_nowhere(tmp_path):
    path = tmp_path / "people.yaml"
    ann = add_annotator(path, "ann", ["annotate"])
    ben = add_annotator(path, "ben", ["annotate", "review"])
    known = load_annotators(path)
    assert known.person(ann).name == "ann"
    assert known.person(ben).roles == {"annotate", "review"}
    assert known.person("") is None
    assert known.person(ann + "x") is None
    text = path.read_text()
    assert ann not in text
    assert hashlib.sha256(ann.encode()).hexdigest() in text
    assert path.stat().st_mode & 0o077 == 0
    remove_annotator(path, "ann")
    assert load_annotators(path).person(ann) is None
    assert load_annotators(path).person(ben) is not None


def test_an_admin_may_everything(tmp_path):
    token = add_annotator(tmp_path / "p.yaml", "eve", ["admin"])
    person = load_annotators(tmp_path / "p.yaml").person(token)
    assert [person.may(role) for role in ("annotate", "review", "admin")] == [True] * 3


@pytest.mark.parametrize("name", ["", "a" * 65, "-ann", "a/b", "ann\n", " ann", "local", "<b>"])
def test_names_that_cant_sign_answers_are_refused(tmp_path, name):
    with pytest.raises(AnnotatorListError):
        add_annotator(tmp_path / "p.yaml", name, ["annotate"])
    assert not (tmp_path / "p.yaml").exists()


def test_a_name_has_one_token(tmp_path):
    add_annotator(tmp_path / "p.yaml", "ann", ["annotate"])
    with pytest.raises(AnnotatorListError, match="ann is on the list already"):
        add_annotator(tmp_path / "p.yaml", "Ann", ["review"])


@pytest.mark.parametrize(
    "text",
    [
        "annotators: [{name: ann}]",
        "annotators: [{name: ann, token_sha256: abc}]",
        f"annotators: [{{name: ann, token_sha256: '{'0' * 64}', roles: [boss]}}]",
        f"annotators: [{{name: ann, token_sha256: '{'0' * 64}', roles: []}}]",
        f"annotators: [{{name: a, token_sha256: '{'0' * 64}'}}, {{name: b, token_sha256: '{'0' * 64}'}}]",
        "people: []",
        "[1, 2",
        "- ann",
        "\xff",
    ],
)
def test_faulty_files_are_refused_with_their_name(tmp_path, text):
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(AnnotatorListError, match=r"p\.yaml"):
        load_annotators(path)


def test_the_commands_print_the_token_once(tmp_path, capsys):
    path = str(tmp_path / "new" / "p.yaml")
    assert main(["annotators", "add", path, "--name", "Jörg B.", "--role", "annotate", "--role", "review"]) == 0
    token = capsys.readouterr().out.splitlines()[-1]
    assert load_annotators(path).person(token).name == "Jörg B."
    assert main(["annotators", "list", path]) == 0
    assert capsys.readouterr().out == "Jörg B.: annotate, review\n"
    assert main(["annotators", "remove", path, "--name", "Bob"]) == 2
    assert main(["annotators", "remove", path, "--name", "Jörg B."]) == 0
    assert yaml.safe_load((tmp_path / "new" / "p.yaml").read_text()) == {"annotators": []}
    assert main(["annotators", "list", str(tmp_path / "none.yaml")]) == 2
