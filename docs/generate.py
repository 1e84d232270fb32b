"""Write the parts of these pages that repeat the code: columns, problem codes, the tree of errors, recipes.

python docs/generate.py     after a change of columns, codes, errors or recipes

A generated part stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`. A test compares.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from emotalk_data import errors
from emotalk_data.builder.features import emotalk_features, m3ed_features
from emotalk_data.features.recipes.catalogue import Recipe, list_recipes
from emotalk_data.hub.columns import COLUMN_MEANINGS
from emotalk_data.hub.feature_text import feature_text
from emotalk_data.schemas.codes import CODES
from emotalk_data.validation.outputs.explain import FAMILIES

DOCS = Path(__file__).parent
_PART = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)
_FEATURES = {"emotalk": emotalk_features, "m3ed": m3ed_features}


def generated_pages() -> dict[Path, str]:
    """Return each page that has generated parts, with its whole text as it should be."""
    pages = {}
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if _PART.search(text):
            pages[page] = _PART.sub(lambda part: f"{part[1]}\n{_generate(part[2])}\n\n{part[3]}", text)
    return pages


def _generate(name: str) -> str:
    kind, _, which = name.partition("-")
    kinds = {"columns": _columns, "codes": _codes, "errors": _errors, "recipes": _recipes}
    lines = kinds[kind](which)
    return "\n".join(lines).rstrip()


def _columns(corpus: str) -> Iterator[str]:
    yield "| column | type | meaning |"
    yield "|---|---|---|"
    for name, feature in _FEATURES[corpus]().items():
        kind = feature_text(feature, with_labels=False)
        yield f"| `{name}` | `{kind}` | {COLUMN_MEANINGS[corpus][name]} |"


def _codes(_: str) -> Iterator[str]:
    """Every family of the registry: a table to look over, then each code with all that is known of it."""
    for family, title in FAMILIES.items():
        codes = {code: values for code, values in CODES.items() if code.startswith(f"{family}-")}
        if not codes:
            continue
        yield f"## {title}"
        yield ""
        yield "| code | severity | what it means |"
        yield "|---|---|---|"
        for code, (severity, meaning, _, _) in codes.items():
            yield f"| [{code}](#{code.lower()}) | {severity} | {_prose(meaning)} |"
        for code, (severity, meaning, remedy, example) in codes.items():
            yield ""
            yield f"### {code}"
            yield ""
            yield f"**{severity}** · {_prose(meaning)}"
            yield ""
            yield f"- Example: {_verbatim(example)}"
            yield f"- To mend: {_prose(remedy)}" if CODES[code].needs_mending else f"- {_prose(remedy)}"
        yield ""


def _prose(text: str) -> str:
    """Keep Markdown from reading signs in a sentence as its own; a vertical bar would end a table's cell."""
    return re.sub(r"[\\`*<>|]", r"\\\g<0>", text)


def _verbatim(text: str) -> str:
    """Return inline code, fenced by more backticks than stand together in it."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _errors(_: str) -> Iterator[str]:
    lines = inspect.cleandoc(errors.__doc__ or "").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("    EmotalkError"))
    yield "```text"
    yield from (line.removeprefix("    ") for line in takewhile(bool, lines[start:]))
    yield "```"


def _recipes(which: str) -> Iterator[str]:
    """A family's table; or, of all families, where paper and code disagree, or what cannot be reproduced."""
    if which == "disagreements":
        yield "| recipe | the paper's Table 8 | the authors' code | taken |"
        yield "|---|---|---|---|"
        for one in list_recipes():
            if one.takes in ("paper", "code"):
                models = f"`{one.paper_model}` | `{one.code_model}`"
                yield f"| `{one.name}` | {models} | the {one.takes}'s: {one.why} |"
    elif which == "limits":
        yield from _limits()
    else:
        yield "| recipe | encodes | numbers | encoder | licence |"
        yield "|---|---|---|---|---|"
        for one in list_recipes():
            if one.family == which:
                cells = (one.spec.modality, f"{one.published_dims:,}", f"`{one.spec.model}`", one.licence)
                yield f"| `{one.name}` | {' | '.join(cells)} |"


def _limits() -> Iterator[str]:
    """Each sentence once, behind the recipes that it is about."""
    about: dict[str, list[Recipe]] = {}
    for one in list_recipes():
        for sentence in filter(None, (one.weights_note, *one.limits)):
            about.setdefault(sentence, []).append(one)
    for sentence, recipes in about.items():
        names = [f"`{one.name}`" for one in recipes]
        shown = names if len(names) <= 3 else [names[0], f"{len(names) - 1} more"]
        yield f"- {', '.join(shown)}: {sentence}"


if __name__ == "__main__":
    for path, content in generated_pages().items():
        path.write_text(content, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(DOCS)}\n")
