"""Gathers the pages of the docs site: docs/*.md, the root's pages, the keys of a config, and the public API.

python docs/site/build_pages.py build/site_pages
"""

import re
import shutil
import sys
from pathlib import Path
from typing import Final

from notebook_page import notebook_page
from prose import with_drawings, with_formulas, with_links_to_pages, with_wider_lists

import raymeta
from raymeta.config.keys import ConfigKey, config_keys

ROOT: Final = Path(__file__).parent.parent.parent
ROOT_PAGES: Final = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "SECURITY.md": "security.md"} | {
    "CONTRIBUTING.md": "contributing.md"
}
HOME_SETTINGS: Final = "---\nhide: [navigation]\n---\n\n"
"""The list of pages beside the first one would hold nothing but its name."""
PICTURES: Final = (".png", ".jpg", ".svg", ".gif", ".webp")
_LINK: Final = re.compile(r"\[([^\[\]]*)\]\(([^)\s#]*)(#[^)\s]*)?\)")


def build(out: Path) -> None:
    """Write all pages below `out`, which is emptied first."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for source in [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs/site").glob("*.md"), *map(ROOT.joinpath, ROOT_PAGES)]:
        name = ROOT_PAGES.get(source.name, source.name) if source.parent == ROOT else source.name
        text = _LINK.sub(lambda found, source=source: _moved(found, source), source.read_text(encoding="utf-8"))
        text = with_drawings(with_formulas(with_links_to_pages(with_wider_lists(text))))
        (out / name).write_text(HOME_SETTINGS + text if name == "index.md" else text, encoding="utf-8")
    for notebook in (ROOT / "docs/notebook").glob("*.ipynb"):
        _write_notebook(notebook, out)
    for picture in (ROOT / "docs").rglob("*"):
        if picture.suffix in PICTURES:
            place = out / picture.relative_to(ROOT / "docs")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(picture, place)
    shutil.copyfile(ROOT / "docs/site/extra.css", out / "extra.css")
    (out / "keys.md").write_text(keys_page(), encoding="utf-8")
    (out / "api.md").write_text(api_page(), encoding="utf-8")


def _write_notebook(notebook: Path, out: Path) -> None:
    """A page below `notebook/`, its pictures and the notebook itself beside it."""
    folder = out / "notebook"
    folder.mkdir(exist_ok=True)
    text, pictures = notebook_page(notebook)
    (folder / f"{notebook.stem}.md").write_text(text, encoding="utf-8")
    for name, data in pictures.items():
        (folder / name).write_bytes(data)
    shutil.copyfile(notebook, folder / notebook.name)


def keys_page() -> str:
    """Every key of a config, section by section, read from the model."""
    lines = [
        "# Keys of a config",
        "",
        "As `raymeta config --keys` prints them. A key is written `section.key=value` on the",
        "",
    ]
    lines[-1] = "command line. Paths are made absolute when the command starts."
    sections: dict[str, list[ConfigKey]] = {}
    for key in config_keys():
        sections.setdefault(key.name.rpartition(".")[0], []).append(key)
    for of, keys in sections.items():
        lines += ["", f"## {f'`{of}`' if of else 'The whole run'}", ""]
        lines += ['<div class="keys" markdown>', ""]
        lines += ["| key | type | default | meaning |", "| --- | --- | --- | --- |", *map(_key_row, keys), "", "</div>"]
    return "\n".join(lines) + "\n"


def _key_row(key: ConfigKey) -> str:
    name = key.name.rpartition(".")[2]
    default = "must be given" if key.default is None else f"`{key.default}`" if key.default else ""
    return f"| `{name}` | {_cell(key.kind)} | {_cell(default)} | {_cell(key.meaning)} |"


def api_page() -> str:
    """The public names, documented from their docstrings."""
    lines = ["# API", "", "What `import raymeta` offers, as `raymeta.Box`. None of it needs Ray.", ""]
    for name in sorted(raymeta.__all__):
        if name != "__version__":
            lines += [f"::: raymeta.{raymeta._PLACES[name]}.{name}", ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _moved(found: re.Match[str], source: Path) -> str:
    """A link as it is on the site: to a page of it or a picture; what is in the repository alone is only named."""
    label, target, anchor = found[1], found[2], found[3] or ""
    if not target or "://" in target or target.startswith("mailto:"):
        return found[0]
    path = (source.parent / target).resolve()
    if path.parent == ROOT and path.name in ROOT_PAGES:
        return f"[{label}]({ROOT_PAGES[path.name]}{anchor})"
    if (ROOT / "docs") in path.parents and path.suffix == ".ipynb":
        return f"[{label}]({path.relative_to(ROOT / 'docs').with_suffix('.md')}{anchor})"
    if (ROOT / "docs") in path.parents and path.suffix in (".md", *PICTURES):
        return f"[{label}]({path.relative_to(ROOT / 'docs')}{anchor})"
    return label


if __name__ == "__main__":
    build(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/site_pages"))
