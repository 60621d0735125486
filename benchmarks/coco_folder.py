"""`python -m benchmarks.coco_folder COCO OUT`: a COCO data set as a folder that `dataset.kind: folder` reads.

COCO holds `annotations/train.json` and `val.json`, and `images/train` and `val`. Shapes are painted in the order of the
file, so that later ones lie on earlier ones; what none covers is void. docs/study_fewer_clicks.md#facades uses it.
"""

import argparse
import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image

from raymeta.exchange.rasterizer import NOBODY, paint
from raymeta.schemas import IGNORE


def convert(source: Path, out: Path) -> None:
    """Write images, label maps and classes.yaml below `out`; what is there is written anew."""
    for split in ("train", "val"):
        content = json.loads((source / f"annotations/{split}.json").read_text())
        classes = {each["id"]: index for index, each in enumerate(content["categories"])}
        shapes: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for annotation in content["annotations"]:
            shapes[annotation["image_id"]].append(annotation)
        for kind in ("images", "labels"):
            (out / kind / split).mkdir(parents=True, exist_ok=True)
        for image in content["images"]:
            name = image["file_name"]
            shutil.copyfile(source / "images" / split / name, out / "images" / split / name)
            labels = painted(shapes[image["id"]], classes, image["height"], image["width"])
            Image.fromarray(labels).save(out / "labels" / split / f"{Path(name).stem}.png")
        names = [each["name"] for each in content["categories"]]
        (out / "classes.yaml").write_text(yaml.safe_dump({"classes": names, "void": [IGNORE]}))


def painted(shapes: list[dict[str, Any]], classes: dict[int, int], height: int, width: int) -> NDArray[np.uint8]:
    """(height, width) uint8 class indices, 255 under no shape. shapes: COCO annotations with polygons."""
    owners, covers = np.full((height, width), NOBODY, np.int32), np.zeros((height, width), np.int32)
    for shape in shapes:
        rings = [np.array(ring, dtype=np.float64).reshape(-1, 2) for ring in shape["segmentation"]]
        paint(owners, covers, rings, classes[shape["category_id"]], fill="union")
    return np.where(owners == NOBODY, IGNORE, owners).astype(np.uint8)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, metavar="COCO")
    parser.add_argument("out", type=Path, metavar="OUT")
    options = parser.parse_args()
    convert(options.source, options.out)
