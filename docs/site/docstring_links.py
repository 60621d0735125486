"""A hook of MkDocs: definitions that docstrings cite, as docs/method.md#box, are links on the page of the API."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from prose import page_titles, with_named_pages


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """MkDocs calls it with each page's HTML."""
    if page.file.src_uri != "api.md":
        return html
    return with_named_pages(html, page_titles(), _link)


def _link(label: str, name: str, anchor: str) -> str:
    return f'<a href="../{name.removesuffix(".md")}/{anchor}">{label}</a>'
