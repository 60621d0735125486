import zlib

import numpy as np
import pytest
from PIL import Image

from raymeta.datasets.image_files import image_header
from raymeta.datasets.png_chunks import chunk_types, has_tags_behind_pixels
from raymeta.datasets.sample import DatasetError

ORIENTATION = 0x0112
TURNED = 6


def chunk(kind, data):
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def exif():
    tags = Image.Exif()
    tags[ORIENTATION] = TURNED
    return tags.tobytes().removeprefix(b"Exif\0\0")


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.png"
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(path)
    return path


def with_chunk(path, data, before):
    """The file with a chunk put in before the first one of that type."""
    content = path.read_bytes()
    place = content.index(before) - 4
    path.write_bytes(content[:place] + data + content[place:])


def test_chunks_are_told_in_their_order(image):
    assert list(chunk_types(image)) == [b"IHDR", b"IDAT", b"IEND"]
    assert not has_tags_behind_pixels(image)
    assert image_header(image).width == 6


@pytest.mark.parametrize(("before", "behind"), [(b"IDAT", False), (b"IEND", True)])
def test_a_turned_image_is_refused_wherever_its_tag_lies(image, before, behind):
    with_chunk(image, chunk(b"eXIf", exif()), before)
    assert has_tags_behind_pixels(image) == behind
    with pytest.raises(DatasetError, match=f"orientation {TURNED}"):
        image_header(image)


def test_a_file_that_is_cut_short_ends(image):
    image.write_bytes(image.read_bytes()[:-9])
    assert list(chunk_types(image))[:2] == [b"IHDR", b"IDAT"]
    assert not has_tags_behind_pixels(image)
