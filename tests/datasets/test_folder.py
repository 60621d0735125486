import pytest
from dataset_layouts import write_folder

from raymeta.config import DatasetConfig
from raymeta.datasets.folder import read_class_list
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import DatasetError


def test_values_become_train_ids(tmp_path):
    dataset = open_dataset(DatasetConfig(kind="folder", root=str(write_folder(tmp_path))))
    assert dataset.class_names == ("ground", "thing")
    assert dataset.palette[0].tolist() == [1, 2, 3]
    assert dataset.label_map("train0")[0, :4].tolist() == [1, 255, 255, 0]


def test_all_faults_of_the_class_list_are_named(tmp_path):
    path = tmp_path / "classes.yaml"
    path.write_text("classes: [{name: a, value: 300}, {name: 5, value: 1, color: [1]}, 7]\nvoid: 3\nextra: 1\n")
    with pytest.raises(DatasetError) as caught:
        read_class_list(path)
    message = str(caught.value)
    for part in ("value 300", "name 5", "color [1]", "class 2: 7", "'void' 3", "'extra'"):
        assert part in message


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("classes: [{name: a, value: 1}, {name: a, value: 2}]", "name 'a' appears more than once"),
        ("classes: [{name: a, value: 1}, {name: b, value: 1}]", "value 1 has more than one class"),
        ("classes: [{name: a, value: 1}, {name: b, value: 255}]", "value 255 is a class and void"),
        ("classes: [{name: a, value: 1}]", "2 to 255"),
        ("[1, 2]", "holds a list"),
        ("classes: [{name: a, value: 1}, {name: b}]", "'b' has no value"),
        ("classes: [a, {name: b, value: 1}]", "'a' has no value"),
        ("classes: [{name: a, colour: [1, 2, 3]}, b]", r"'colour'; did you mean color\?"),
        ("classes: [1, 2]", "quotes"),
        ("classes: [yes, no]", "quotes"),
        ("classes: {a: 0, b: 1}", "2 to 255"),
        ("classes: [", "can't be read as YAML"),
    ],
)
def test_faulty_class_lists(tmp_path, content, match):
    (tmp_path / "classes.yaml").write_text(content)
    with pytest.raises(DatasetError, match=match):
        read_class_list(tmp_path / "classes.yaml")


def test_missing_class_list(tmp_path):
    with pytest.raises(DatasetError, match=r"classes\.yaml: there is no class list"):
        read_class_list(tmp_path / "classes.yaml")


@pytest.mark.parametrize(
    "content", ["classes: [a, b, c]", "classes:\n  - a\n  - {name: b}\n  - name: c\n    color: [1, 2, 3]\n"]
)
def test_names_alone_have_their_places_as_values(tmp_path, content):
    (tmp_path / "classes.yaml").write_text(content)
    classes = read_class_list(tmp_path / "classes.yaml")
    assert classes.names == ("a", "b", "c")
    assert classes.train_ids == {0: 0, 1: 1, 2: 2, 255: 255}


def test_the_form_is_told_once_below_all_faults(tmp_path):
    (tmp_path / "classes.yaml").write_text("classes: [{name: a, value: 300}, {name: b, value: 400}]")
    with pytest.raises(DatasetError) as caught:
        read_class_list(tmp_path / "classes.yaml")
    assert str(caught.value).count("classes: [") == 2  # both ways to write it
    assert "images/" not in str(caught.value)
