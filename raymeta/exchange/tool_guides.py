"""What stands beside exported pictures: label lists for each tool, and the steps for the people who label."""

import json
from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import quoteattr

from raymeta.exchange.drawn_pictures import BOX_LABEL, REST_IS_VOID, UNDECIDABLE
from raymeta.exchange.formats import FormatName
from raymeta.exchange.manifest import TaskClass

_HOTKEYS: Final = "1234567890qwertyuiopasdfghjkl"

_COMMON: Final = """{pictures} to label, in pictures/. Only what lies in the bright box counts (or the whole
picture, where nothing is dimmed); draw over its border freely, the rest is cut off.
Keep the names of the pictures: they say which task an answer belongs to. Keep raymeta_tasks.json beside them.

"""
_POINTS: Final = """{pictures} with a ring, in pictures/: only the class of the pixel in the middle of the
ring is asked. Set one point of that class inside the ring, where the tool has points (or keypoints), or draw any small
shape over its middle.
Keep the names of the pictures: they say which task an answer belongs to. Keep raymeta_tasks.json beside them.

"""
_SEGMENTS: Final = """{pictures} with a predicted shape, in pictures/: is its class right? If so, leave it as it
is. If not, give the shape its class. If it covers several classes, or none, delete it, or call it void. The shapes have
to be loaded with the pictures: they are the question.
Keep the names of the pictures: they say which task an answer belongs to. Keep raymeta_tasks.json beside them.

"""
_STEPS: Final[dict[FormatName, str]] = {
    "cvat": """CVAT
1. Make a task: labels from labels.json (tab "Raw"), all files of pictures/, image quality 100, sorting "predefined".
2. If there is an annotations.xml, upload it as "CVAT 1.1": these are the predicted shapes to start from.
3. Draw; shapes above others have the higher z-order. Never group shapes. If nothing can be told, set the tag
   "undecidable".
4. Export the task as "CVAT for images 1.1" without images, and import that file.
""",
    "cvat-masks": """CVAT
1. Make a task: labels from labels.json (tab "Raw"), all files of pictures/, image quality 100.
2. Draw; what lies above wins. Draw no boxes to mark something: they would be painted.
3. Export the task as "Segmentation mask 1.1", and import that file. It holds no vertices, so clicks stay unknown.
""",
    "label-studio": """Label Studio
1. Let it serve this folder: LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true, LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT=<this
   folder>, and add it as local storage (or upload pictures/ and change the addresses in tasks.json).
2. Make a project with the labelling interface of config.xml, and import tasks.json.
3. Draw; later regions lie above earlier ones. "undecidable" if nothing can be told; "rest is void" for what you leave.
4. Export as JSON (no other format keeps everything), and import that file.
""",
    "labelme": """labelme
1. labelme pictures --labels labels.txt --no-sort-labels --validate-label exact
2. Draw, and save each picture, also where the predicted shapes are right as they are. Later shapes lie above earlier
   ones. If nothing can be told, set the flag "undecidable".
3. Import this folder.
""",
    "x-anylabeling": """X-AnyLabeling
1. Open the folder pictures/ and load labels.txt.
2. Draw, and save each picture, also where the predicted shapes are right as they are. Leave the locked rectangle alone.
   If nothing can be told, set the flag "undecidable".
3. Import this folder.
""",
    "coco": """COCO
1. Open pictures/ and instances.json in your tool.
2. Rings of one annotation are united, so draw holes as later shapes, or as masks. The order of the file counts.
3. Export as COCO with the same file names, and import that file.
""",
    "cityscapes": """Cityscapes polygons
1. One JSON a picture, named like it: t000001.png has t000001_gtFine_polygons.json. Vertices are whole pixels, outlines
   belong to the shape, later objects cover earlier ones; `unlabeled` is void.
2. Import the folder of these files.
""",
    "supervisely": """Supervisely
1. Import pictures/, and meta.json and ann/ where they are there.
2. Draw; polygons may have holes. If nothing can be told, set the tag "undecidable".
3. Export as "Supervisely JSON", with the same picture names, and import that folder.
""",
    "darwin": """V7 Darwin
1. Upload pictures/, and the JSON files where they are there.
2. Draw; later annotations lie above earlier ones. If nothing can be told, set the tag "undecidable".
3. Export as Darwin JSON 2.0, and import that folder.
""",
}


def steps(form: FormatName, count: int, points: int = 0, segments: int = 0) -> str:
    """The README of an export: which steps lead from its pictures to an import.

    Args:
        form: the format.
        count: of all pictures.
        points: of those on which a point is asked.
        segments: of those on which the class of a predicted segment is asked.
    """
    counts = ((_COMMON, count - points - segments), (_POINTS, points), (_SEGMENTS, segments))
    return (
        "".join(text.format(pictures=f"{number} picture{'s' * (number != 1)}") for text, number in counts if number)
        + _STEPS[form]
    )


def label_files(form: FormatName, classes: Sequence[TaskClass]) -> Iterator[tuple[str, bytes]]:
    """Files by which a tool learns the classes; formats that carry their own list have none.

    Args:
        form: the format.
        classes: of the run.
    """
    if form in ("cvat", "cvat-masks"):
        labels = [{"name": name, "color": color, "type": "any", "attributes": []} for name, color in _named(classes)]
        if form == "cvat":
            labels.append({"name": BOX_LABEL, "color": "#ffff00", "type": "rectangle", "attributes": []})
            labels.append({"name": UNDECIDABLE, "color": "#808080", "type": "tag", "attributes": []})
        yield "labels.json", json.dumps(labels, indent=1, ensure_ascii=False).encode()
    elif form == "label-studio":
        yield "config.xml", _label_studio_config(classes).encode()


def _named(classes: Sequence[TaskClass]) -> list[tuple[str, str]]:
    named = [(each.name, each.color) for each in classes]
    return named if any(name == "void" for name, _ in named) else [*named, ("void", "#e0e0c0")]


def _label_studio_config(classes: Sequence[TaskClass]) -> str:
    labels = []
    for place, (name, color) in enumerate(_named(classes)):
        hotkey = f' hotkey="{_HOTKEYS[place]}"' if place < len(_HOTKEYS) else ""
        labels.append(f"<Label value={quoteattr(name)} background={quoteattr(color)}{hotkey}/>")
    plain = [label.split(" hotkey=")[0].removesuffix("/>") + "/>" for label in labels]
    return f"""<View>
  <Image name="image" value="$image" zoom="true" zoomControl="true" rotateControl="false" smoothing="false"/>
  <Rectangle name="box" toName="image" strokeColor="#ffff00" fillOpacity="0"/>
  <PolygonLabels name="label" toName="image" snap="pixel">{"".join(labels)}</PolygonLabels>
  <KeyPointLabels name="point" toName="image">{"".join(plain)}</KeyPointLabels>
  <BrushLabels name="brush" toName="image">{"".join(plain)}</BrushLabels>
  <Choices name="verdict" toName="image" choice="multiple">
    <Choice value="{UNDECIDABLE}"/><Choice value="{REST_IS_VOID}"/>
  </Choices>
</View>
"""
