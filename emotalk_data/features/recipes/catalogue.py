"""The recipes: named specs, with what the papers, their authors' code and the encoders' licences say of them."""

from __future__ import annotations

import difflib
import textwrap
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from emotalk_data.errors import OptionError, SchemaError, quote
from emotalk_data.schemas.feature_spec import FeatureSpec
from emotalk_data.schemas.text_table import ShownAsText

__all__ = ["Family", "Recipe", "list_recipes", "recipe"]

Family = Literal["emotiontalk", "m3ed", "clean"]
"""`emotiontalk`, `m3ed`: what the papers' authors computed, quirks included. `clean`: the same encoders, well."""

_WIDTH: Final = 100
_LABEL: Final = 14
_UNKNOWN: Final = "unknown: read its card"
_WHERE: Final = {
    "hub": "from the Hub, its cache, or a folder of yours: --model-path",
    "folder": "a folder of yours: --model-path.",
    "package": "none: they come with the package",
}
_PARTS: Final = ("notes", "limits")


class Recipe(BaseModel, ShownAsText):
    """A named spec, and what is known of it. `print(recipe)` shows all of it.

    Attributes:
        spec: what decides its numbers, before the weights are known.
        family: whose numbers they are.
        published_dims: D as published; the encoder itself says what it really is.
        paper_model: the encoder's id in the paper's table; None where no paper names one.
        code_model: its id in the authors' code; None for recipes of our own.
        why: where the two differ, why `spec.model` is the one it is; else empty.
        source: where the settings come from; empty for recipes of our own.
        licence: of the encoder, as far as it is known here.
        weights: where they come from: the Hub; only a folder of the user's; or a Python package.
        weights_note: for `folder`, how to come by them.
        notes: what the numbers are, a sentence each.
        limits: what cannot be reproduced, and why.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: FeatureSpec
    family: Family
    published_dims: int
    paper_model: str | None = None
    code_model: str | None = None
    why: str = ""
    source: str = ""
    licence: str = _UNKNOWN
    weights: Literal["hub", "folder", "package"] = "hub"
    weights_note: str = ""
    notes: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.weights == "folder") != bool(self.weights_note):
            raise ValueError("weights_note says how to come by weights of a folder, and only of those")
        if self.takes is not None and self.spec.model not in (self.paper_model, self.code_model):
            raise ValueError("the model is neither the paper's nor the code's")
        if (self.takes in ("paper", "code")) != bool(self.why):
            raise ValueError("why says why one of two models is taken, and only then")
        return self

    @property
    def name(self) -> str:
        """Of the recipe, such as `clean/chinese-hubert-base`."""
        return self.spec.name

    @property
    def takes(self) -> Literal["both", "paper", "code"] | None:
        """Whose model it takes: `both` where they agree, or only one names any; None for recipes of our own."""
        named = {model for model in (self.paper_model, self.code_model) if model is not None}
        if not named:
            return None
        if len(named) == 1:
            return "both"
        return "code" if self.spec.model == self.code_model else "paper"

    def __str__(self) -> str:
        lines = [self.name, ""]
        for label, text in self._facts():
            lines += textwrap.wrap(
                text,
                _WIDTH,
                initial_indent=f"  {label:<{_LABEL}}",
                subsequent_indent=" " * (_LABEL + 2),
                break_long_words=False,
                break_on_hyphens=False,
            )
        for title, sentences in (("What you get", self.notes), ("What cannot be reproduced", self.limits)):
            if sentences:
                lines += ["", f"  {title}"]
            for sentence in sentences:
                lines += textwrap.wrap(
                    sentence,
                    _WIDTH,
                    initial_indent="  - ",
                    subsequent_indent="    ",
                    break_long_words=False,
                    break_on_hyphens=False,
                )
        return "\n".join(lines)

    def _facts(self) -> list[tuple[str, str]]:
        facts = [("encodes", self.spec.modality), ("model", self.spec.model)]
        if self.takes in ("paper", "code"):
            facts.append(
                ("", f"The paper's Table 8 says {self.paper_model}, the authors' code {self.code_model}.")
            )
            facts.append(("", f"Taken is the {self.takes}'s: {self.why}."))
        facts.append(("weights", f"{_WHERE[self.weights]} {self.weights_note}".rstrip()))
        facts.append(("licence", self.licence))
        facts.append(("vectors", f"{self.published_dims:,} numbers each"))
        facts.append(("utterance", _POOLING[self.spec.pooling]))
        facts.append(("settings", ", ".join(f"{key}={value}" for key, value in _settings(self.spec).items())))
        if self.source:
            facts.append(("source", self.source))
        return facts


_POOLING: Final = {
    "mean": "the mean of its vectors",
    "first": "the first of its vectors",
    "last": "the last of its vectors",
    "given": "a vector that the encoder gives",
}
_SAID_ELSEWHERE: Final = {"name", "model", "revision", "weights_digest", "num_dims", "pooling", "backend"}


def _settings(spec: FeatureSpec) -> dict[str, str]:
    """Return the settings of a spec that are not said elsewhere, in their order; those of frames beside them."""
    found: dict[str, str] = {}
    for key, value in spec.model_dump().items():
        if key in _SAID_ELSEWHERE or value is None:
            continue
        if isinstance(value, Mapping):
            found |= {f"{key}.{part}": str(of) for part, of in value.items() if of is not None}
        elif isinstance(value, tuple):
            found[key] = ":".join(map(str, value)) if len(value) == 1 else f"[{', '.join(map(str, value))}]"
        else:
            found[key] = str(value)
    return found


def recipe(name: str) -> Recipe:
    """Return the recipe of that name.

    To change a setting: `recipe(name).spec.model_copy(update={"layers": (9,), "name": "hubert-layer-9"})`, which
    `extract_features` takes in place of a recipe.

    Args:
        name: such as `clean/chinese-hubert-base`.

    Raises:
        OptionError: there is none; names the closest.
    """
    given: Any = name
    found = _all().get(name) if isinstance(given, str) else None
    if found is None:
        close = _close(name) if isinstance(given, str) else "."
        raise OptionError(f"there is no recipe {quote(name)}{close} `emotalk features list` shows all.")
    return found


def list_recipes(family: Family | None = None) -> tuple[Recipe, ...]:
    """Return all recipes, or those of a family, in their order.

    Raises:
        OptionError: there is no such family.
    """
    families = get_args(Family)
    if family is not None and family not in families:
        raise OptionError(f"family is {quote(family)}; expected one of {', '.join(families)}.")
    return tuple(one for one in _all().values() if family in (None, one.family))


def _close(name: str) -> str:
    """Name the recipes that may be meant: the same encoder in another family, or a similar name."""
    wanted = name.lower()
    encoder = wanted.rpartition("/")[2]
    same = [known for known in _all() if known.rpartition("/")[2] == encoder]
    near = same or difflib.get_close_matches(wanted, _all(), n=3)
    if not near:
        encoders = {known.rpartition("/")[2]: known for known in _all()}
        near = [encoders[one] for one in difflib.get_close_matches(encoder, encoders, n=3)]
    if not near and encoder:
        near = [known for known in _all() if encoder in known][:3]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else "."


@cache
def _all() -> Mapping[str, Recipe]:
    """Read the recipes: those of a family stand in one file beside this module."""
    found: dict[str, Recipe] = {}
    for family in get_args(Family):
        text = files(__package__).joinpath(f"{family}.toml").read_text(encoding="utf-8")
        for one in _read(tomllib.loads(text)):
            if one.name in found:
                raise SchemaError(f"{family}.toml: two recipes are called {one.name}.")
            found[one.name] = one
    return found


def _read(values: Mapping[str, Any]) -> list[Recipe]:
    """Return the recipes of one file: each adds to what its groups say, and overrules their settings."""
    family, recipes = values["family"], []
    for own in values["recipe"]:
        parts = [values["group"][group] for group in own["groups"]]
        fields: dict[str, Any] = {"family": family, "published_dims": own["dims"]}
        spec: dict[str, Any] = {"name": f"{family}/{own['name']}", "model": own["model"]}
        for part in (*parts, own):
            spec = _merged(spec, part.get("spec", {}))
            for key in ("source", "licence", "weights", "weights_note", "why"):
                fields |= {key: part[key]} if key in part else {}
        for key in _PARTS:
            fields[key] = tuple(sentence for part in (*parts, own) for sentence in part.get(key, ()))
        if family != "clean":
            fields["code_model"] = own["model"]
            fields["paper_model"] = own.get("paper_model", own["model"] if family == "emotiontalk" else None)
        try:
            recipes.append(Recipe.model_validate({**fields, "spec": spec}))
        except ValidationError as error:
            raise SchemaError(f"{family}.toml: the recipe {own['name']}: {error}.") from error
    return recipes


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping with the values of both; the latter's count, and mappings in it are merged too."""
    merged = dict(below)
    for key, value in above.items():
        is_deep = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if is_deep else value
    return merged
