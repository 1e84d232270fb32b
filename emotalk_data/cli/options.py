"""Options that several verbs take, with the same words and the same meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

__all__ = ["data_dir_option", "episodes_dir_option", "format_option"]

data_dir_option: Final = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A release: a folder, or one of its tars.",
)

episodes_dir_option: Final = click.option(
    "--episodes-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="M3ED's TV episodes, if you own them.",
)

format_option: Final = click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="For people, or for programs.",
)
