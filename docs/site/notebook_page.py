"""Notebooks as pages of the docs site, with what their cells printed and drew.

python docs/site/notebook_page.py docs/notebook/first_query.ipynb    # runs it, and keeps what came out in the file
"""

import base64
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

PLACE: Final = "/home/you"
"""Stands in kept outputs for the folder that the notebook ran in."""
TIMEOUT_S: Final = 600
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")


def notebook_page(path: Path) -> tuple[str, dict[str, bytes]]:
    """A notebook's page in Markdown, and its pictures by name; they lie beside the page."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    parts, pictures = [f"*This page is a [notebook]({path.name}).*"], dict[str, bytes]()
    for number, cell in enumerate(notebook["cells"], start=1):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        for output in _joined(cell["outputs"]):
            if (png := output.get("data", {}).get("image/png")) is not None:
                name = f"{path.stem}_{number:02d}.png"
                pictures[name] = base64.b64decode(png)
                parts.append(f"![What cell {number} drew]({name})")
            elif text := _text(output):
                parts.append(f"```text\n{text}\n```")
    parts[:2] = [parts[1], parts[0]]  # the title first
    return "\n\n".join(parts) + "\n", pictures


def _joined(outputs: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Outputs, with texts that were printed one after the other as one."""
    printed: list[str] = []
    for output in outputs:
        if output["output_type"] == "stream":
            printed.append(_text(output))
            continue
        if printed:
            yield {"text": "\n".join(printed)}
            printed = []
        yield output
    if printed:
        yield {"text": "\n".join(printed)}


def _text(output: Mapping[str, Any]) -> str:
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    return "".join(text).strip("\n")


def run(path: Path, folder: Path) -> Any:
    """The notebook with the outputs of all its cells, run in a folder.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    import nbclient
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=TIMEOUT_S, resources=resources).execute()
    for output in _outputs(notebook):
        if "text" in output:
            output["text"] = _CONTROL.sub("", output["text"]).replace(str(folder), PLACE)
        elif "text/plain" in output.get("data", {}):
            output["data"]["text/plain"] = output["data"]["text/plain"].replace(str(folder), PLACE)
    return notebook


def _outputs(notebook: Any) -> Iterator[Any]:
    for cell in notebook.cells:
        cell.metadata = {}  # when each cell ran
        yield from cell.get("outputs", ())


if __name__ == "__main__":
    import nbformat

    place = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        nbformat.write(run(place, Path(scratch)), place)
