"""What we claim, judged from what one suite measured."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.measure import Section


class Claim(NamedTuple):
    """One line of the table. `holds` is None when it was not judged: a peer is missing, or the data small."""

    what: str
    measured: str
    claim: str
    holds: bool | None

    @property
    def verdict(self) -> str:
        """The word for the table."""
        return {True: "yes", False: "NO", None: "not judged"}[self.holds]


def claims(section: Section) -> list[Claim]:
    """Judge every claim of a suite. On a small sample fixed costs hide what is claimed: none is judged."""
    from benchmarks.load_claims import load_claims
    from benchmarks.media_claims import media_claims

    table = load_claims(section.results) if section.suite == "load" else media_claims(section)
    return table if section.is_full_size else [claim._replace(holds=None) for claim in table]
