"""The templates made into text: every value escaped, style and script named by their hashes."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final

from emotalk_data._optional import require
from emotalk_data.report.palette import EMOTION_COLOURS, colour_variables
from emotalk_data.report.shown_text import number, percent, plural, seconds, signed

__all__ = ["render"]

_TEMPLATES: Final = Path(__file__).parent / "templates"


def render(**values: Any) -> str:
    """Return the page made of `page.html.jinja`; a value that the templates miss is an error.

    The Content-Security-Policy names the one style and the one script by their hashes, so a script that a
    transcript brings along would not run even if it were not escaped.

    Raises:
        MissingDependencyError: jinja2 is not there.
    """
    style, script = _style(), (_TEMPLATES / "page.js").read_text(encoding="utf-8")
    template = _environment().get_template("page.html.jinja")
    page: str = template.render(
        **values, style=style, script=script, style_hash=_csp_hash(style), script_hash=_csp_hash(script)
    )
    return page


@cache
def _environment() -> Any:
    jinja2 = require("jinja2", extra="report", purpose="make the page")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(n=number, pct=percent, plural=plural, seconds=seconds, signed=signed)
    return environment


def _style() -> str:
    """Return the style with both themes; the reader's choice wins over the system's, and paper is light."""
    light, dark = colour_variables("light"), colour_variables("dark")
    keys = "\n".join(
        f".e-{key} {{ --e: var(--e-{key}); --on: var(--on-{key}); }}" for key in EMOTION_COLOURS["light"]
    )
    themes = (
        f":root {{ color-scheme: light; {light} }}\n"
        "@media screen and (prefers-color-scheme: dark) "
        f"{{ :root:not([data-theme=light]) {{ color-scheme: dark; {dark} }} }}\n"
        f"@media screen {{ :root[data-theme=dark] {{ color-scheme: dark; {dark} }} }}\n"
    )
    return f"{themes}{keys}\n{(_TEMPLATES / 'page.css').read_text(encoding='utf-8')}"


def _csp_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
