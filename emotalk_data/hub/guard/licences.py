"""Licences: of the corpora, of encoders as far as they are known, and the one that a card has to name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from emotalk_data.errors import OptionError, PublishRefusedError, quote
from emotalk_data.features import list_recipes
from emotalk_data.hub.corpora import CORPUS_FACTS

if TYPE_CHECKING:
    from emotalk_data.hub.guard.classes import Corpus
    from emotalk_data.hub.guard.judgement import Judgement

__all__ = [
    "CardLicence",
    "EncoderLicence",
    "card_licence",
    "check_licence",
    "checked_licences",
    "encoder_licence",
]

Term = Literal["by", "nc", "sa", "own"]

_LICENCE_ID: Final = re.compile(r"[a-z0-9][a-z0-9.+_-]{1,79}")
_NO_LICENCE: Final = {"unknown", "none", "null", "other", "no-licence", "no-license"}
# Words that allow nothing, and licences that allow no adapted material (CC, 1(a)): whether features are such
# material is disputed, and who publishes them under a licence of other terms had better not rely on it.
_GRANTS_NOTHING: Final = re.compile(
    r"all-?rights-?reserved|proprietary|copyright(ed)?|closed(-source)?|confidential|not-?for-?(re)?distribution"
    r"|internal(-use)?(-only)?|unlicen[sc]ed|undefined|undisclosed|not-known|n\.?a|tbd|todo|private|commercial"
)
_NO_DERIVATIVES: Final = re.compile(r"(.*[-_.+])?(nd|noderivs|no-derivatives)([-_.+].*)?")
_CREATIVE_COMMONS: Final = re.compile(r"cc-by(-nc)?(-sa)?-[1-4]\.[0-9]")
# What only asks to be named, as EmotionTalk's licence does too.
_ATTRIBUTION: Final = {
    "mit", "apache-2.0", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "cc0-1.0", "isc",
    "unlicense", "zlib", "pddl", "mit-0", "0bsd",
}  # fmt: skip
# How the recipes' texts begin -> terms, and a short name for the card where they go beyond the corpus's.
_RECIPE_TEXTS: Final[tuple[tuple[str, frozenset[Term], str], ...]] = (
    ("BY-SA", frozenset({"by", "sa"}), "by-sa"),
    ("NC", frozenset({"by", "nc"}), "nc"),
    ("RAIL", frozenset({"by", "own"}), "rail"),
    ("openSMILE's own", frozenset({"by", "nc", "own"}), "opensmile"),
)
_OPENSMILE_PAGE: Final = "https://github.com/audeering/opensmile"
_HUB_PAGE: Final = "https://huggingface.co/"
_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderLicence:
    """The licence of an encoder.

    Attributes:
        id: short name, such as `apache-2.0` or `rail`.
        text: what the card says of it.
        terms: what it asks for: naming, no commercial use, share alike, or terms of its own.
    """

    id: str
    text: str
    terms: frozenset[Term]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLicence:
    """What the card's YAML and text say of the licence.

    Attributes:
        id: `license` of the YAML.
        name: `license_name`, where the id is `other`.
        link: `license_link`, where the id is `other`.
        text: for people, a few sentences.
        encoders: model and licence of each encoder.
    """

    id: str
    name: str | None
    link: str | None
    text: str
    encoders: tuple[tuple[str, str], ...] = ()


def checked_licences(given: Mapping[str, str]) -> dict[str, EncoderLicence]:
    """Return what a caller says of the licences of encoders, by model.

    Raises:
        OptionError: it is no mapping of texts, or names no licence.
    """
    pairs: Any = given
    if not isinstance(pairs, Mapping) or not all(
        isinstance(one, str) for pair in pairs.items() for one in pair
    ):
        raise OptionError(
            f"encoder_licences is {quote(given)}; expected models and the id of their licence as the Hub names "
            f"it, such as {{'lab/encoder': 'apache-2.0'}}."
        )
    for model, licence in given.items():
        if not _LICENCE_ID.fullmatch(licence) or licence in _NO_LICENCE:
            raise OptionError(
                f"the licence of {quote(model)} is {quote(licence)}; expected its id as the Hub names it, such "
                f"as apache-2.0. Who has no licence for an encoder asks its authors."
            )
        _check_grant(model, licence)
    return {model: EncoderLicence(id=one, text=one, terms=_terms(one)) for model, one in given.items()}


def _check_grant(model: str, licence: str) -> None:
    """Make sure that a licence allows anything to be passed on.

    Raises:
        OptionError: it allows nothing, or nothing that is made with the encoder.
    """
    if _GRANTS_NOTHING.fullmatch(licence):
        why = "and these words grant nothing"
    elif _NO_DERIVATIVES.fullmatch(licence):
        why = "which allows nothing adapted to be shared, and features may count as that"
    else:
        return
    raise OptionError(
        f"the licence of {quote(model)} is {quote(licence)}, {why}. Ask its authors for leave, or keep the "
        f"features to yourself."
    )


def encoder_licence(model: str, given: Mapping[str, EncoderLicence]) -> EncoderLicence | None:
    """Return the licence of an encoder: the stricter of what we and the caller know; None for neither."""
    known, said = _known_licences().get(model.lower()), given.get(model)
    if known is None or said is None:
        return known or said
    if said.terms >= known.terms:
        return said
    raise OptionError(
        f"encoder_licences says {quote(said.id)} of {quote(model)}, and its licence is known to be stricter: "
        f"{known.text}. Leave it out of encoder_licences."
    )


@cache
def _known_licences() -> Mapping[str, EncoderLicence]:
    """Licences by model in small letters, as the recipes tell them: written there once, and not here again."""
    known: dict[str, EncoderLicence] = {}
    for recipe in list_recipes():
        licence = _read_recipe_text(recipe.licence)
        if licence is not None:
            known[recipe.spec.model.lower()] = licence
    return known


def _read_recipe_text(text: str) -> EncoderLicence | None:
    """Return the licence that a recipe's text begins with: an id of the Hub, or a word for its terms."""
    first = text.split()[0].rstrip(",;:") if text.split() else ""
    if first in _ATTRIBUTION or _CREATIVE_COMMONS.fullmatch(first):
        return EncoderLicence(id=first, text=text, terms=_terms(first))
    return next(
        (
            EncoderLicence(id=name, text=text, terms=terms)
            for beginning, terms, name in _RECIPE_TEXTS
            if text.startswith(beginning)
        ),
        None,
    )


def _terms(licence: str) -> frozenset[Term]:
    found = _CREATIVE_COMMONS.fullmatch(licence)
    if found:
        parts: tuple[tuple[str | None, Term], ...] = ((found[1], "nc"), (found[2], "sa"))
        return frozenset({"by", *(term for part, term in parts if part)})
    return frozenset({"by"}) if licence in _ATTRIBUTION else frozenset({"by", "own"})


def card_licence(
    corpora: Iterable[Corpus | None], encoders: Mapping[str, EncoderLicence | None]
) -> CardLicence:
    """Return the strictest of the licences of corpora and encoders.

    Args:
        corpora: of the configs; None where nothing says which.
        encoders: model -> its licence; None where it is not known.
    """
    here = set(corpora)
    facts = [one for one in CORPUS_FACTS if one.name in here]
    texts = [one.licence_text for one in facts]
    if None in here or not facts:
        texts.append("Of some rows nothing says whose they are, so no licence can be named.")
    listed = tuple((model, "not known" if one is None else one.text) for model, one in encoders.items())
    if listed:
        texts.append(
            "Licences of the encoders: " + "; ".join(f"{model}: {text}" for model, text in listed) + "."
        )
    own = {model: one for model, one in encoders.items() if one is not None and "own" in one.terms}
    if own:
        texts.append("Their terms go with the features, beside those of the corpus: the stricter one holds.")
    text = " ".join(texts)
    if None in here or not facts:
        return CardLicence(id="other", name="not-known", link=None, text=text, encoders=listed)
    strict = next((one for one in facts if one.licence == "other"), None)
    if strict is not None:
        name, link = strict.licence_fields["license_name"], strict.licence_fields["license_link"]
        return CardLicence(id="other", name=name, link=link, text=text, encoders=listed)
    if own:
        ids = "-and-".join(dict.fromkeys([facts[0].licence, *(one.id for one in own.values())]))
        return CardLicence(id="other", name=ids, link=_page(next(iter(own))), text=text, encoders=listed)
    return CardLicence(id=facts[0].licence, name=None, link=None, text=text, encoders=listed)


def _page(model: str) -> str | None:
    """Return where the terms of an encoder stand."""
    if _HUB_ID.fullmatch(model):
        return _HUB_PAGE + model
    known = _known_licences().get(model.lower())
    return _OPENSMILE_PAGE if known is not None and known.id == "opensmile" else None


def check_licence(judgement: Judgement, licence_id: object) -> None:
    """Make sure that a licence that an owner names, in a card or an argument, is the one that has to be named.

    Args:
        judgement: of what is to be shared.
        licence_id: `license` of a card's YAML: an id, or a list of them.

    Raises:
        PublishRefusedError: it is missing, or another one: a laxer licence gives away what is not the owner's.
    """
    expected = judgement.licence
    named = list(licence_id) if isinstance(licence_id, list | tuple) else [licence_id]
    if named and all(isinstance(one, str) and one.strip().lower() == expected.id for one in named):
        return
    is_missing = licence_id is None or not named
    found = "no licence is named" if is_missing else f"the licence named is {quote(licence_id)}"
    full = expected.id if expected.name is None else f"{expected.id} ({expected.name})"
    raise PublishRefusedError(
        f"{found}, and what is derived from the corpus has to say {full}: "
        f"CC BY-NC-SA 4.0, 3(b)(1), asks for “the same License Elements”, and the encoders' terms and M3ED's "
        f"lack of any licence come on top. Write `license: {expected.id}` into the card, or leave the line out."
    )
