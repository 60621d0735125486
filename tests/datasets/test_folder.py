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
        ("classes: [{name: a, value: 1}, {name: a, value: 2}]", "name 'a' stands more than once"),
        ("classes: [{name: a, value: 1}, {name: b, value: 1}]", "value 1 has more than one class"),
        ("classes: [{name: a, value: 1}, {name: b, value: 255}]", "value 255 is a class and void"),
        ("classes: [{name: a, value: 1}]", "2 to 255"),
        ("[1, 2]", "holds list"),
        ("classes: [", "can't be read as YAML"),
    ],
)
def test_faulty_class_lists(tmp_path, content, match):
    (tmp_path / "classes.yaml").write_text(content)
    with pytest.raises(DatasetError, match=match):
        read_class_list(tmp_path / "classes.yaml")


def test_missing_class_list(tmp_path):
    with pytest.raises(DatasetError, match=r"classes\.yaml: file is missing: expected"):
        read_class_list(tmp_path / "classes.yaml")
