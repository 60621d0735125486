"""Where the boxes of a query lie in the images' files, which are often larger than what the network sees."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from raymeta.config import DatasetConfig
from raymeta.datasets.data_paths import below_root
from raymeta.datasets.read_sizes import ReadSize
from raymeta.datasets.registry import data_folder
from raymeta.datasets.sample import Dataset, DatasetError, ImageSource
from raymeta.schemas import IMAGE_ID, LEFT, SOURCE_SCHEMA, TOP, WIDTH


def with_sources(query: pa.Table, dataset: Dataset, config: DatasetConfig) -> pa.Table:
    """The query and the columns of SOURCE_SCHEMA.

    Args:
        query: QUERY_SCHEMA, in pixels of the resized images.
        dataset: tells each image's file.
        config: of that data set. Paths start in its root, so that they stay true where it is moved.

    Returns:
        QUERY_SCHEMA and SOURCE_SCHEMA; nulls for images whose file can't be read just now.
    """
    sources = _sources(query.column(IMAGE_ID).to_pylist(), dataset)
    boxes = query.select([IMAGE_ID, TOP, LEFT, WIDTH]).to_pylist()
    rows = [_row(box, sources[box[IMAGE_ID]], config) for box in boxes]
    further = pa.Table.from_pylist(rows, schema=SOURCE_SCHEMA)
    for name in SOURCE_SCHEMA.names:
        query = query.append_column(SOURCE_SCHEMA.field(name), further.column(name))
    return query


def file_pixel(edge: int, side: int, file_side: int) -> int:
    """The first pixel of the file whose centre lies at or behind an edge.

    So boxes that touch still touch, and a pixel of the file is in one of them.

    Args:
        edge: 0..side, in pixels of the resized image.
        side: of the resized image, in pixels.
        file_side: of the file's image, in pixels.

    Returns:
        0..file_side: ceil(edge · file_side / side - 1/2), in integers throughout.
    """
    return -((side - 2 * edge * file_side) // (2 * side))


def _sources(image_ids: Sequence[str], dataset: Dataset) -> Mapping[str, ImageSource | None]:
    sources: dict[str, ImageSource | None] = {}
    for image_id in dict.fromkeys(image_ids):
        try:
            sources[image_id] = dataset.source(image_id)
        except DatasetError:
            sources[image_id] = None
    return sources


def _row(box: Mapping[str, int], source: ImageSource | None, config: DatasetConfig) -> dict[str, object]:
    if source is None:
        return dict.fromkeys(SOURCE_SCHEMA.names)
    height, width = ReadSize.in_config(config).of(source.height, source.width)
    top, left, side = box[TOP], box[LEFT], box[WIDTH]
    values = (
        below_root(source.file, data_folder(config)),
        source.height,
        source.width,
        file_pixel(top, height, source.height),
        file_pixel(left, width, source.width),
        file_pixel(top + side, height, source.height),
        file_pixel(left + side, width, source.width),
    )
    return dict(zip(SOURCE_SCHEMA.names, values, strict=True))
