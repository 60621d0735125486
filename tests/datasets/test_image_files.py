import numpy as np
import pytest
from dataset_layouts import picture, save
from PIL import Image

from raymeta.datasets.image_files import (
    image_size,
    list_images,
    read_image,
    read_label_map,
    resize_image,
    resize_label_map,
)
from raymeta.datasets.sample import DatasetError


def truncate(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_truncated_image_is_an_error_though_its_header_reads(tmp_path, suffix):
    path = save(tmp_path / f"a{suffix}", picture(height=64, width=64))
    truncate(path)
    assert image_size(path) == (64, 64)
    with pytest.raises(DatasetError, match=r"a\.(png|jpg): .*truncated"):
        read_image(path)


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_rubbish_is_an_error_that_names_the_file(tmp_path, content):
    path = tmp_path / "rubbish.png"
    path.write_bytes(content)
    for read in (read_image, read_label_map, image_size):
        with pytest.raises(DatasetError, match=r"rubbish\.png"):
            read(path)


def test_missing_file(tmp_path):
    with pytest.raises(DatasetError, match=r"gone\.png: file is missing"):
        read_image(tmp_path / "gone.png")


@pytest.mark.parametrize("mode", ["L", "P", "LA", "RGBA", "1"])
def test_other_modes_become_rgb(tmp_path, mode):
    Image.fromarray(picture()).convert(mode).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").shape == (12, 20, 3)


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (20, 12), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    red, green, blue = read_image(tmp_path / "a.jpg")[5, 5]
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_grey_are_scaled_alike_in_every_image(tmp_path, suffix):
    values = np.uint16([[0, 255, 256, 4095], [4096, 40000, 65279, 65535]])
    Image.fromarray(values).save(tmp_path / f"a{suffix}")
    image = read_image(tmp_path / f"a{suffix}")
    assert (image == image[:, :, :1]).all()
    assert image[:, :, 0].tolist() == [[0, 0, 1, 15], [16, 156, 254, 255]]
    twelve = read_image(tmp_path / f"a{suffix}", grey_bits=12)
    assert twelve[:, :, 0].tolist() == [[0, 15, 16, 255], [255, 255, 255, 255]]


def test_label_maps_of_sixteen_bits_hold_small_values(tmp_path):
    for name, largest in (("good", 255), ("bad", 256)):
        Image.fromarray(np.uint16([[0, 7], [7, largest]])).save(tmp_path / f"{name}.png")
    assert read_label_map(tmp_path / "good.png").tolist() == [[0, 7], [7, 255]]
    with pytest.raises(DatasetError, match=r"bad\.png: .*value 256"):
        read_label_map(tmp_path / "bad.png")


@pytest.mark.parametrize("suffix", [".tif", ".bmp", ".webp"])
def test_other_lossless_formats_give_the_same_pixels(tmp_path, suffix):
    Image.fromarray(picture()).save(tmp_path / f"a{suffix}", **({"lossless": True} if suffix == ".webp" else {}))
    assert (read_image(tmp_path / f"a{suffix}") == picture()).all()
    assert image_size(tmp_path / f"a{suffix}") == (12, 20)


def test_decompression_bomb_is_an_error(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", picture())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    with pytest.raises(DatasetError, match="decompression bomb"):
        read_image(path)


def test_palette_labels_keep_their_index(tmp_path):
    image = Image.new("P", (3, 2), 7)
    image.putpalette([200] * 768)
    image.save(tmp_path / "a.png")
    assert (read_label_map(tmp_path / "a.png") == 7).all()


def test_colour_labels_are_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"mode RGB.*one channel"):
        read_label_map(save(tmp_path / "a.png", picture()))


def test_listing_passes_over_other_files_and_names_all_duplicates(tmp_path):
    for name in ("b.png", "a.JPG", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    assert list(list_images(tmp_path)) == ["a", "b"]
    (tmp_path / "a.png").touch()
    (tmp_path / "b.jpeg").touch()
    with pytest.raises(DatasetError, match=r"(?s)name a:.*name b:"):
        list_images(tmp_path)


def test_labels_take_the_pixel_under_the_centre():
    label_map = np.arange(16, dtype=np.uint8).reshape(4, 4)
    np.testing.assert_array_equal(resize_label_map(label_map, 2, 2), [[5, 7], [13, 15]])
    np.testing.assert_array_equal(resize_label_map(label_map, 4, 4), label_map)
    np.testing.assert_array_equal(resize_label_map(label_map, 8, 8), np.kron(label_map, np.ones((2, 2), np.uint8)))


def test_images_are_averaged():
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    image[::2] = 100
    assert (resize_image(image, 2, 2) == 50).all()
    assert resize_image(image, 4, 4) is image
