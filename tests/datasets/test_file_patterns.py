"""Files are found where people have them: suffixes, folders, other endings."""

import shutil

import numpy as np
import pytest
from dataset_layouts import picture, save, write_folder

from raymeta.config import DatasetConfig
from raymeta.datasets.file_patterns import check_pattern, find_by_pattern, shared_affix
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import DatasetError


def opened(root, **options):
    return open_dataset(DatasetConfig(kind="folder", root=str(root), **options))


def test_a_suffix_is_named_with_its_remedy_which_works(tmp_path):
    root = write_folder(tmp_path)
    for path in list((root / "labels").glob("*/*.png")):
        path.rename(path.with_stem(f"{path.stem}_mask"))
    faults = opened(root).survey().faults
    pattern = "labels/{split}/{id}_mask.png"
    assert sum(f"dataset.label_pattern={pattern}" in fault for fault in faults) == 2
    survey = opened(root, label_pattern=pattern).survey()
    assert survey.faults == []


def test_a_folder_deeper_is_named_with_its_remedy_which_works(tmp_path):
    root = write_folder(tmp_path)
    for kind in ("images", "labels"):
        for split in ("train", "val"):
            (root / kind / split).rename(root / "moved")
            (root / kind / split).mkdir()
            (root / "moved").rename(root / kind / split / "aachen")
    with pytest.raises(DatasetError, match="its folders do") as caught:
        opened(root)
    assert "dataset.image_pattern=images/{split}/{id}.*" in str(caught.value)
    dataset = opened(root, image_pattern="images/{split}/{id}.*", label_pattern="labels/{split}/{id}.*")
    assert dataset.pool_ids() == ["aachen/train0", "aachen/train1", "aachen/train2"]
    assert dataset.survey().faults == []
    flat = opened(root, image_pattern="images/{split}/**/{id}.jpg", label_pattern="labels/{split}/**/{id}.png")
    assert flat.pool_ids() == ["train0", "train1", "train2"]
    assert np.array_equal(flat.label_map("train0"), dataset.label_map("aachen/train0"))


def test_images_beside_their_labels(tmp_path):
    root = tmp_path
    (root / "classes.yaml").write_text("classes: [{name: a, value: 0}, {name: b, value: 1}]\n")
    for split in ("train", "val"):
        for index in range(2):
            save(root / split / f"{split}.{index}.rgb.tif", picture(index))
            save(root / split / f"{split}.{index}.ids.tif", np.eye(12, 20))
    dataset = opened(root, image_pattern="{split}/{id}.rgb.tif", label_pattern="{split}/{id}.ids.tif")
    assert dataset.pool_ids() == ["train.0", "train.1"]
    assert (dataset.image("train.1") == picture(1)).all()
    assert set(np.unique(dataset.label_map("val.0"))) == {0, 1}


def test_two_files_of_one_id_are_a_fault(tmp_path):
    for folder in ("a", "b"):
        save(tmp_path / "images" / folder / "x.png", picture())
    with pytest.raises(DatasetError, match="are both image x"):
        find_by_pattern(tmp_path, "dataset.image_pattern", "images/**/{id}.png", "train")


@pytest.mark.parametrize("pattern", ["images/*.png", "{id}/{id}.png", "../{id}.png", "/x/{id}.png", "{name}/{id}.png"])
def test_patterns_that_can_not_be(pattern):
    with pytest.raises(DatasetError, match=r"dataset\.image_pattern"):
        check_pattern("dataset.image_pattern", pattern)


def test_a_pattern_without_files_is_told(tmp_path):
    root = write_folder(tmp_path)
    with pytest.raises(DatasetError, match=r"no image in .* is like images/train/"):
        opened(root, image_pattern="images/{split}/{id}.bmp")
    with pytest.raises(DatasetError, match="is missing: correct the pattern"):
        opened(root, image_pattern="pictures/{split}/{id}.bmp")


def test_a_folder_of_another_format_says_so(tmp_path):
    root = write_folder(tmp_path)
    shutil.rmtree(root / "images/train")
    (root / "images/train").mkdir()
    for index in range(3):
        (root / f"images/train/{index}.heic").write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"holds 3 files \.heic"):
        opened(root)


def test_shared_affix_by_hand():
    stems = [f"im{index}" for index in range(10)]
    assert shared_affix(stems, [f"{stem}_mask" for stem in stems]) == ("", "_mask")
    assert shared_affix(stems, [f"gt_{stem}" for stem in stems]) == ("gt_", "")
    assert shared_affix(stems, stems) is None
    assert shared_affix(stems, ["other"]) is None
    assert shared_affix(stems, [f"{stem}_mask" for stem in stems[:5]]) is None


def test_remap_takes_values_for_others(tmp_path):
    root = write_folder(tmp_path)
    classes = root / "classes.yaml"
    classes.write_text("classes: [{name: ground, value: 10}, {name: thing, value: 20}]\nvoid: [0]\nremap: {255: 20}\n")
    dataset = opened(root)
    assert dataset.label_map("train0")[0, :4].tolist() == [1, 255, 1, 0]
    assert dataset.survey().faults == []
    for wrong in ("{255: 99}", "{0: 20}", "[1]", "{x: 1}"):
        text = f"classes: [{{name: ground, value: 10}}, {{name: thing, value: 20}}]\nvoid: [0]\nremap: {wrong}\n"
        classes.write_text(text)
        with pytest.raises(DatasetError, match="remap"):
            opened(root)


def test_images_without_parts_are_parted_by_name(tmp_path):
    root = tmp_path
    (root / "classes.yaml").write_text("classes: [{name: a, value: 0}, {name: b, value: 1}]\n")
    for index in range(7):
        save(root / f"images/{index}.png", picture(index))
    save(root / "labels/2.png", np.eye(12, 20))
    parts = {"image_pattern": "images/{id}.*", "label_pattern": "labels/{id}.*", "validation_every": 3}
    dataset = opened(root, **parts)
    assert dataset.pool_ids() == ["0", "1", "3", "4", "6"]
    assert dataset.validation_ids() == ["2", "5"]
    assert [dataset.has_labels(image_id) for image_id in ("2", "5")] == [True, False]
    with pytest.raises(DatasetError, match="validation_every"):
        opened(root, **parts | {"validation_every": 8})
    with pytest.raises(ValueError, match="validation_every"):
        DatasetConfig(kind="folder", root=str(root), validation_every=3)
    with pytest.raises(ValueError, match="validation_every"):
        DatasetConfig(kind="folder", root=str(root), image_pattern="{split}/{id}.png", validation_every=3)
