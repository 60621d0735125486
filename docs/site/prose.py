"""What the repository's viewer draws by itself and a site must be told: formulas as MathML, and pages that are named.

Code keeps every character of its own.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import yaml
from latex2mathml.converter import convert

ROOT: Final = Path(__file__).parent.parent.parent
_CODE: Final = re.compile(r"^ *(```|~~~).*?^ *\1 *$|`(?:[^`\n]|\n(?!\n))+`", re.DOTALL | re.MULTILINE)
_OUTER_BLOCK: Final = re.compile(r"^(```|~~~).*?^\1 *$", re.DOTALL | re.MULTILINE)
_IN_ITEM: Final = re.compile(r"^ {3}(?=\S)", re.MULTILINE)
_BLOCK: Final = re.compile(r"^```math\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INLINE: Final = re.compile(r"\$(?=\S)([^$]*?\S)\$", re.DOTALL)
_LETTERS: Final = re.compile(r'(?:<mi mathvariant="normal">[^<]</mi>){2,}')
_TAG: Final = re.compile("<[^>]*>")
_NAMED: Final = re.compile(r"(?<![\w/(])docs/(\w+\.md)(?:#([\w-]+))?|(?<=\()docs/(\w+\.md)(?:#([\w-]+))?")
_LINK: Final = re.compile(r"\[([^\[\]]*)\](\([^)]*\))")


def with_formulas(text: str) -> str:
    """A page's Markdown with its formulas, `$…$` and blocks of `math`, as MathML."""
    text = _BLOCK.sub(lambda found: f'<div class="formula">{_mathml(found[1], "block")}</div>', text)
    # In a span: a line that begins with <math> would be a paragraph of its own.
    return _between(
        _CODE, text, lambda part: _INLINE.sub(lambda found: f"<span>{_mathml(found[1], 'inline')}</span>", part)
    )


def with_drawings(text: str) -> str:
    """A page's Markdown whose blocks of `text`, grids of numbers and letters, may keep their long lines."""
    return re.sub(r"^```text$", "```{.text .drawing}", text, flags=re.MULTILINE)


def with_named_pages(text: str, titles: Mapping[str, str], link: Callable[[str, str, str], str]) -> str:
    """Text in which `docs/NAME.md` and `docs/NAME.md#heading` are links.

    Args:
        text: Markdown without code, or HTML.
        titles: of pages by file name; others are left as they are.
        link: makes one of a label, a file name and an anchor with its `#`, or none.
    """

    def linked(found: re.Match[str]) -> str:
        name, anchor = found[1] or found[3], found[2] or found[4]
        if name not in titles:
            return found[0]
        label = f"{titles[name]}: {anchor.replace('-', ' ')}" if anchor else titles[name]
        return link(label, name, f"#{anchor}" if anchor else "")

    return _NAMED.sub(linked, text)


def with_links_to_pages(text: str) -> str:
    """A page's Markdown in which pages that it only names are linked; its own links have their titles."""
    titles = page_titles()

    def titled(found: re.Match[str]) -> str:
        return f"[{with_named_pages(found[1], titles, lambda title, *_: title)}]{found[2]}"

    def linked(part: str) -> str:
        return with_named_pages(part, titles, lambda label, name, anchor: f"[{label}]({name}{anchor})")

    return _between(_CODE, text, lambda part: _between(_LINK, part, linked, titled))


def with_wider_lists(text: str) -> str:
    """A page's Markdown whose numbered items go on below at 4 spaces, as MkDocs wants them, not 3."""
    return _between(_OUTER_BLOCK, text, lambda part: _IN_ITEM.sub("    ", part))


def page_titles() -> dict[str, str]:
    """Titles by file name, as the navigation has them."""

    def walk(entries: list[dict[str, object]]) -> dict[str, str]:
        found = {}
        for title, place in (pair for entry in entries for pair in entry.items()):
            found |= walk(place) if isinstance(place, list) else {str(place): title}
        return found

    return walk(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])


def _between(
    pattern: re.Pattern[str],
    text: str,
    change: Callable[[str], str],
    keep: Callable[[re.Match[str]], str] = lambda found: found[0],
) -> str:
    """Text that was changed where the pattern doesn't match; matches are kept, or what `keep` makes of them."""
    parts, at = [], 0
    for found in pattern.finditer(text):
        parts += [change(text[at : found.start()]), keep(found)]
        at = found.end()
    return "".join(parts) + change(text[at:])


def _mathml(formula: str, display: str) -> str:
    """One formula; letters of a word become one identifier, which browsers set upright and without gaps."""
    mathml = _LETTERS.sub(lambda word: f"<mi>{_TAG.sub('', word[0])}</mi>", convert(formula.strip(), display=display))
    return mathml.replace("*", "&#42;").replace("_", "&#95;")
