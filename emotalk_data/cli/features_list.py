"""`emotalk features list` and `show`: which recipes there are, and all that is known of one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

import click

from emotalk_data.cli.options import format_option
from emotalk_data.cli.output import echo, examples, heading, table

if TYPE_CHECKING:
    from emotalk_data.features.recipes.catalogue import Family, Recipe

__all__ = ["FAMILIES", "list_", "show"]

FAMILIES: Final = {
    "clean": "the encoders of both papers, computed well",
    "emotiontalk": "what EmotionTalk's authors computed, quirks included",
    "m3ed": "what M3ED's authors computed, quirks included",
}
"""Families in the order in which they are shown. A test compares them with the recipes."""

_NEEDS: Final = {"hub": "", "folder": "weights of yours", "package": "opensmile"}


@click.command(
    "list",
    epilog=examples(
        "emotalk features list",
        "emotalk features list --family clean",
        "emotalk features list --format json",
        footer="Exit status: 0 done, 2 could not run.",
    ),
)
@click.option("--family", type=click.Choice(tuple(FAMILIES)), help="One family; all if omitted.")
@format_option
def list_(family: str | None, form: str) -> None:
    """List the recipes: which encoders, and how.

    A recipe says which encoder, which layers, what becomes of padding and markup. Weights come from the Hub,
    from its cache, or from a folder of yours (--model-path); some are nowhere to be had, and that is said.
    """
    from emotalk_data.features.recipes.catalogue import list_recipes

    families = (family,) if family else tuple(FAMILIES)
    chosen = {name: list_recipes(cast("Family", name)) for name in families}
    if form == "json":
        values = [_as_json(recipe) for recipes in chosen.values() for recipe in recipes]
        echo(json.dumps(values, ensure_ascii=False, indent=1))
        return
    for name, recipes in chosen.items():
        heading(f"{name}: {FAMILIES[name]}")
        rows = [
            (one.name, one.spec.modality, f"{one.published_dims:,}", _NEEDS[one.weights]) for one in recipes
        ]
        table(("recipe", "of", "numbers", "needs"), rows, right=(2,))
    echo("\nNext: emotalk features show RECIPE")


@click.command(
    epilog=examples(
        "emotalk features show clean/chinese-hubert-base",
        "emotalk features show emotiontalk/vicuna-7b-v0",
        footer="Exit status: 0 done, 2 there is no such recipe.",
    )
)
@click.argument("name")
@format_option
def show(name: str, form: str) -> None:
    """Show all that is known of a recipe.

    Its encoder and licence, each setting, what the numbers are, and what of a paper cannot be reproduced.
    Where a paper and its authors' code name different encoders, both are shown, and which one is taken.
    """
    from emotalk_data.features.recipes.catalogue import recipe

    found = recipe(name)
    echo(json.dumps(_as_json(found), ensure_ascii=False, indent=1) if form == "json" else str(found))


def _as_json(recipe: Recipe) -> dict[str, Any]:
    return {"name": recipe.name, "takes": recipe.takes, **recipe.model_dump(mode="json")}
