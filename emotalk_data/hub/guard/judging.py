"""`judge`: a staging folder against the licence table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, get_args

from emotalk_data.errors import OptionError, quote
from emotalk_data.hub.guard.classes import cell_of
from emotalk_data.hub.guard.config_judging import ConfigJudging
from emotalk_data.hub.guard.flags import FLAGS, checked_flags
from emotalk_data.hub.guard.judgement import Decision, Judgement
from emotalk_data.hub.guard.licences import EncoderLicence, card_licence, checked_licences
from emotalk_data.hub.staged import Staged, Visibility

__all__ = ["judge"]

_VISIBILITIES: Final = ", ".join(get_args(Visibility))


def judge(
    staged: Staged,
    *,
    visibility: Visibility,
    allow: Collection[str] = (),
    encoder_licences: Mapping[str, str] = MappingProxyType({}),
) -> Judgement:
    """Decide what of a staging folder may be shared: every file, every column, and every value of every row.

    Args:
        staged: the folder.
        visibility: who could read it.
        allow: names of `FLAGS`.
        encoder_licences: of encoders whose licence is not known here: model -> licence, as the Hub names it.

    Returns:
        the decisions. Nothing is raised for what is refused, nor for files that are damaged: they are refused.

    Raises:
        OptionError: an option that cannot be; among them a flag for what is never shared.
    """
    if visibility not in get_args(Visibility):
        raise OptionError(f"visibility is {quote(visibility)}; expected {_VISIBILITIES}.")
    flags, given = checked_flags(allow), checked_licences(encoder_licences)
    encoders: dict[str, EncoderLicence | None] = {}
    decisions: list[Decision] = []
    for config in staged.configs:
        judging = ConfigJudging(config, visibility, flags, given)
        decisions += judging.decisions()
        encoders |= judging.encoders
    used = {one.flag for one in decisions if one.is_allowed}
    return Judgement(
        visibility=visibility,
        decisions=tuple(decisions),
        flags=MappingProxyType({name: what for name, what in FLAGS.items() if name in used}),
        licence=card_licence([config.corpus for config in staged.configs], encoders),
        needs_gate=_needs_gate(staged, decisions),
    )


def _needs_gate(staged: Staged, decisions: list[Decision]) -> bool:
    """Say whether something is in it that everybody may not read."""
    corpora = {config.name: config.corpus for config in staged.configs}
    return any(
        not cell_of(corpora.get(one.config), one.redistribution, "public").is_allowed for one in decisions
    )
