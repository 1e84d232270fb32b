"""How Sphinx builds these pages: `python -m sphinx -W -b html docs docs/_build`."""

import tomllib
from pathlib import Path

_PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]

project = "emotalk_data"
author = "the emotalk_data authors"
version = release = _PROJECT["version"]

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
# Links such as `format.md#paths-to-media` are checked while building.
myst_heading_anchors = 3
# Every reference that leads nowhere is a warning, and the build turns warnings into errors.
nitpicky = True

html_theme = "furo"
html_title = f"emotalk_data {release}"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
