"""Pages: the one look of everything in HTML; a page needs no network and no other file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

TEMPLATES = Path(__file__).parent


def page(template: str, **values: Any) -> str:
    """The HTML of `template` filled with `values`, which are escaped unless the template says otherwise."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template(template).render(values)
