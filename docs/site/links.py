"""Links of README, docs and the root's pages: where they lead in the repository, and which of them leave it.

python docs/site/links.py    # prints those that leave it; nothing is fetched
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
_FENCED: Final = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_CODE: Final = re.compile(r"`[^`\n]*`")
_LINK: Final = re.compile(r"!?\[[^\[\]]*(?:\[[^\[\]]*\]\([^)]*\)[^\[\]]*)?\]\(([^)\s]+)\)")
_PLAIN: Final = re.compile(r"<(https?://[^>\s]+)>")
_HEADING: Final = re.compile(r"^#+ +(.+?) *#*$", re.MULTILINE)


def pages() -> list[Path]:
    """Every page that people read."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/site").glob("*.md")])


def links(page: Path) -> list[str]:
    """Targets of a page's links, as they are written; those in code aren't any."""
    text = _CODE.sub("", _FENCED.sub("", page.read_text(encoding="utf-8")))
    return [*_LINK.findall(text), *_PLAIN.findall(text)]


def is_external(target: str) -> bool:
    """Whether it leaves the repository."""
    return re.match(r"[a-z][a-z0-9+.-]*:", target) is not None


def broken(page: Path) -> Iterator[str]:
    """Links of a page to a file or heading that there is not."""
    for target in filter(lambda target: not is_external(target), links(page)):
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists():
            yield f"{page.relative_to(ROOT)}: {target}: no such file"
        elif anchor and path.suffix == ".md" and anchor not in anchors(path):
            yield f"{page.relative_to(ROOT)}: {target}: no such heading"


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as a repository's viewer and the docs site make them."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    return {_slug(heading) for heading in _HEADING.findall(text)} | set(re.findall(r'(?:id|name)="([^"]+)"', text))


def _slug(heading: str) -> str:
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", words.lower()).strip())


if __name__ == "__main__":
    for place in pages():
        for link in sorted({link for link in links(place) if is_external(link)}):
            print(f"{place.relative_to(ROOT)}  {link}")
