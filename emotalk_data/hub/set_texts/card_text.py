"""The text of the card of published sets: what they are, how they were made, and what they may be used for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from emotalk_data._version import __version__
from emotalk_data.hub.card import column_table, label_list
from emotalk_data.hub.corpora import CORPUS_FACTS
from emotalk_data.hub.markdown import in_code, in_prose
from emotalk_data.hub.set_texts.columns import set_column_meanings
from emotalk_data.hub.set_texts.facts import corpora_of, encoder_pages, summary_of, title_of
from emotalk_data.hub.set_texts.licence_marks import config_licence, licence_mark
from emotalk_data.hub.set_texts.limits import corpus_limits
from emotalk_data.hub.set_texts.recipes import recipe_sentences
from emotalk_data.hub.set_texts.sections import OTHERS, config_section
from emotalk_data.hub.staged import Staged, StagedConfig

if TYPE_CHECKING:
    from emotalk_data.hub.guard.judgement import Judgement

__all__ = ["set_card_text"]

_BODY: Final = """\
# {title}

{summary}

## Loading

With plain `datasets`, and none of our code:

```python
import datasets

ds = datasets.load_dataset("{repo_id}", "{config}", split="{split}", revision="{tag}")
```
{loading}
## Licence

{licence}

{clauses}

{configs}

{others}

## Known limits

{limits}

## Citation

{citation}

Made with emotalk_data {version}, which wrote what stands between the two marks and nothing else of this page.
"""

_SET_LOADING: Final = """
Beside the rows of the corpus, with `emotalk_data`; the release itself is not in here:

```console
$ hf download {repo_id} --repo-type dataset --revision {tag} --include "{config}/*" --local-dir sets
```

```python
from emotalk_data import load_dataset
from emotalk_data.features import FeatureSet

features = FeatureSet.open("sets/{config}")
ds = load_dataset("{corpus}", data_dir="<folder of the release>", split="{split}", feature_sets=features)
```
"""
_SPLIT_LOADING: Final = """
The file `{config}/splits.json` is what `emotalk_data.load_dataset("{corpus}", …, split_file=…)` takes.
"""
_OF_SOUND: Final = "Encoded at once, seconds"
_SET_LIMITS: Final = (
    "A row without features is null, and `error` says why: leave it out, or count it; it is not zero.",
    "Made again on another device or with other versions, numbers agree to about 1e-5 of their size, and not bit "
    "for bit.",
)


def set_card_text(staged: Staged, judgement: Judgement, repo_id: str, *, tag: str) -> str:
    """Return our part of the card, in Markdown.

    Args:
        staged: what is uploaded.
        judgement: of the guard.
        repo_id: of the repository.
        tag: of the commit to be.
    """
    first = staged.configs[0]
    limits = [*(_SET_LIMITS if any(config.records for config in staged.configs) else ()), *_pairs(staged)]
    limits += corpus_limits(staged)
    return _BODY.format(
        title=in_prose(title_of(staged)),
        summary=in_prose(summary_of(staged)),
        repo_id=repo_id,
        config=first.name,
        split=next(iter(first.splits)),
        tag=tag,
        loading=_loading(staged, repo_id, tag),
        licence=in_prose(judgement.licence.text),
        clauses=_clauses(judgement),
        configs="\n\n".join(
            config_section(config.name, _config_text(config, judgement)) for config in staged.configs
        ),
        others=OTHERS,
        limits="\n".join(f"- {limit}" for limit in limits) or "None are known.",
        citation="\n\n".join(_citations(staged)),
        version=__version__,
    )


def _pairs(staged: Staged) -> Iterator[str]:
    """Say of sets that were one before that both have the same names."""
    of_spec: dict[str, list[str]] = {}
    for config in staged.configs:
        if config.records:
            of_spec.setdefault(config.records[0].spec.column, []).append(f"`{config.name}`")
    for column, names in of_spec.items():
        if len(names) > 1:
            yield (
                f"{' and '.join(names)} are sets of one name, `{column}`: join one to the rows of the corpus, "
                f"and ask the other for single utterances, with `FeatureSet.frame` or `FeatureSet.utterances`."
            )


def _count_table(config: StagedConfig) -> Iterator[str]:
    """Yield a table of what became of the rows of each split."""
    if not config.counts:
        yield "| split | rows |"
        yield "|---|---:|"
        yield from (f"| {split} | {num_rows:,} |" for split, num_rows in config.num_rows.items())
        return
    yield "| split | rows | with features | nothing to encode | failed |"
    yield "|---|---:|---:|---:|---:|"
    for split, counts in config.counts.items():
        numbers = (counts.rows, counts.made, counts.missing, counts.failed)
        yield f"| {split} | {' | '.join(f'{number:,}' for number in numbers)} |"


def _loading(staged: Staged, repo_id: str, tag: str) -> str:
    texts = []
    for kind, text in (("features", _SET_LOADING), ("splits", _SPLIT_LOADING)):
        config = next((one for one in staged.configs if one.kind == kind and one.corpus is not None), None)
        if config is not None:
            split = next(iter(config.splits))
            texts.append(
                text.format(repo_id=repo_id, tag=tag, config=config.name, corpus=config.corpus, split=split)
            )
    return "".join(texts)


def _clauses(judgement: Judgement) -> str:
    relied_on = dict.fromkeys(one.clause for one in judgement.decisions if one.is_allowed)
    lines = ["What its parts rely on:", "", *(f"- {in_prose(clause)}" for clause in relied_on)]
    if judgement.flags:
        lines += ["", "Its publisher let these through by name, and answers for them:", ""]
        lines += [f"- `{name}`: {in_prose(meaning)}" for name, meaning in judgement.flags.items()]
    return "\n".join(lines)


def _config_text(config: StagedConfig, judgement: Judgement) -> str:
    """Return the section of a config: its rows, how it was made, its columns, and what was let through."""
    lines = [licence_mark(config_licence(config, judgement)), "", f"## `{config.name}`", ""]
    lines += [*_count_table(config), ""]
    lines += [f"- {label}: {in_code(text)}" for label, text in _facts(config)]
    if config.records:
        licences = dict(judgement.licence.encoders)
        lines += [
            f"- Licence of the encoder: {in_prose(licences.get(config.records[0].spec.model, 'not known'))}"
        ]
    lines += [f"- {in_prose(sentence)}" for sentence in (*recipe_sentences(config), *config.notes)]
    lines += [
        f"- Let through by name, `{flag}`: {in_prose(what)}" for flag, what in _flags(config, judgement)
    ]
    table = column_table(config.features, set_column_meanings(config))
    lines += ["", "What is absent is null.", "", "| column | type | meaning |", "|---|---|---|", table]
    if labels := label_list(config.features):
        lines += ["", "Labels, in the order of the authors' ids:", "", labels]
    return "\n".join(lines)


def _facts(config: StagedConfig) -> Iterator[tuple[str, str]]:
    """Yield what there is to tell of how a config was made: nothing of what it has not."""
    is_of_text = bool(config.records) and config.records[0].spec.modality == "text"
    for label, text in config.facts.items():
        if text and text != "none" and not (is_of_text and label == _OF_SOUND):
            yield label, text


def _flags(config: StagedConfig, judgement: Judgement) -> Iterator[tuple[str, str]]:
    used = {one.flag for one in judgement.decisions if one.config == config.name and one.is_allowed}
    return ((flag, what) for flag, what in judgement.flags.items() if flag in used)


def _citations(staged: Staged) -> Iterator[str]:
    corpora = corpora_of(staged)
    yield from (f"```bibtex\n{facts.citation}\n```" for facts in corpora)
    pages = [f"- {in_code(model)}: <{page}>" for model, page in encoder_pages(staged).items()]
    if pages:
        yield "The encoders, with what their authors ask to cite:"
        yield "\n".join(pages)
    if others := [facts for facts in CORPUS_FACTS if facts not in corpora]:
        yield "emotalk_data has one form for two corpora; who compares them cites the other too:"
        yield from (f"```bibtex\n{facts.citation}\n```" for facts in others)
