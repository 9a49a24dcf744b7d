"""Pages: the one look of everything in HTML; a page needs no network and no other file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

TEMPLATES = Path(__file__).parent


def page(template: str, **values: Any) -> str:
    """The HTML of `template` filled with `values`, which are escaped unless the template says otherwise."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["inline"] = inline
    return environment.get_template(template).render(values)


def inline(text: str) -> Markup:
    """`text` with its code in backticks and its bold words in double asterisks as HTML, all else escaped."""
    parts = re.split(r"`([^`]+)`", text)
    made = (
        f"<code>{escape(part)}</code>" if n % 2 else re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(escape(part)))
        for n, part in enumerate(parts)
    )
    return Markup("".join(made))
