from raymeta.datasets.fault_groups import grouped_faults


def test_few_faults_stay_as_they_are():
    faults = ["/d/a.png: file is missing", "/d/b.png: file is missing", "dataset.root: wrong"]
    assert grouped_faults(faults) == faults


def test_many_of_a_kind_become_one_line_with_three_names():
    faults = [f"/d/train/im{index}.png: label map of {index}×9 pixels, its image has 8×8" for index in range(10)]
    other = "/d/val/im3.png: label map of 3×9 pixels, its image has 8×8"
    first, second = grouped_faults([*faults[:5], other, *faults[5:]])
    assert first.startswith("/d/train: 10 .png files (im0.png, im1.png, im2.png, …)")
    assert "label map of 0×9 pixels" in first
    assert second == other


def test_other_messages_and_endings_are_other_kinds():
    faults = [f"/d/{index}.{end}: {what}" for index in range(4) for end in ("tif", "png") for what in ("cut", "empty")]
    assert len(grouped_faults(faults)) == 4
