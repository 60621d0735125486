"""Bytes ↔ shapes for the tools that people draw with: one module a format, one rasteriser.

Reading, for whoever stores answers:

- `read_answers(path, manifest, format=…, class_map=…, uncovered=…)` gives an `AnswerReader`, an iterator of `Answer`.
  A source that is refused whole raises `ExchangeError` before the first answer. An answer with `refused` must not be
  stored; `faults` and `notes` are for the summary, and `content_sha256()` makes an import idempotent.
- `AnswerReader.messages`, `strangers`, `unanswered`, `skipped`, `refused_files` tell what was no answer. They are
  complete when the iterator has ended.
- `load_manifest` reads and checks a `raymeta_tasks.json`; `parse_class_map` reads `--map` lines.

Writing:

- `export_tasks` writes pictures, the manifest, the steps, and pre-annotations for one tool.
- `write_pictures` writes drawn pictures in any format; `partition_shapes` turns a label map into shapes that read back
  to the same map, pixel for pixel.
- `write_label_data_set` writes bought labels as a data set: PNG, Cityscapes polygons and COCO.

Coordinates: continuous, (0, 0) is the corner of the stored image; a pixel belongs to a ring if its centre is inside.
"""

from raymeta.exchange.answers import Answer, Skip
from raymeta.exchange.class_names import parse_class_map
from raymeta.exchange.drawn_pictures import DrawnPicture, DrawnShape
from raymeta.exchange.effort import AnswerShape, HumanClicks
from raymeta.exchange.errors import ExchangeError
from raymeta.exchange.formats import FORMATS, FormatName
from raymeta.exchange.label_data_set import write_label_data_set
from raymeta.exchange.manifest import Manifest, ManifestError, Task, TaskClass, load_manifest
from raymeta.exchange.planar_shapes import partition_shapes
from raymeta.exchange.reading import AnswerReader, read_answers
from raymeta.exchange.task_export import OpenTask, export_tasks
from raymeta.exchange.writing import write_pictures

__all__ = [
    "FORMATS",
    "Answer",
    "AnswerReader",
    "AnswerShape",
    "DrawnPicture",
    "DrawnShape",
    "ExchangeError",
    "FormatName",
    "HumanClicks",
    "Manifest",
    "ManifestError",
    "OpenTask",
    "Skip",
    "Task",
    "TaskClass",
    "export_tasks",
    "load_manifest",
    "parse_class_map",
    "partition_shapes",
    "read_answers",
    "write_label_data_set",
    "write_pictures",
]
