"""What the guard found: a decision for each file and column, and all of them as a table."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from emotalk_data.errors import PublishRefusedError, printable, quote
from emotalk_data.hub.guard.classes import RedistributionClass
from emotalk_data.hub.guard.licences import CardLicence
from emotalk_data.hub.staged import Visibility
from emotalk_data.schemas.text_table import ShownAsText, text_table

__all__ = ["Decision", "Judgement", "refusal"]

_WIDTH: Final = 100
_CELL_CHARS: Final = {"config": 22, "place": 36, "what": 18}
_MAX_REASON_CHARS: Final = 130
_MAX_FINAL_REASON_CHARS: Final = 180  # where no flags take room
_MAX_CLAUSE_CHARS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether one thing may be shared.

    Attributes:
        config: of which config it is; empty for what belongs to the whole folder.
        place: `column hubert`, `column captions.speaker`, `file plan.json`, `footers`, `encoder`, `config`.
        what: its Arrow type, or what kind of thing it is.
        redistribution: its class.
        is_allowed: whether it may be shared with this visibility and these flags.
        flag: the flag that was used; or, of a refusal, the one that would let it through. None otherwise.
        clause: the text that was relied on.
        reason: why, in a sentence or a few words.
    """

    config: str
    place: str
    what: str
    redistribution: RedistributionClass
    is_allowed: bool
    flag: str | None
    clause: str
    reason: str

    @property
    def verdict(self) -> str:
        """`allowed`, `refused`, and by which flag, or for want of which."""
        if self.is_allowed:
            return f"allowed by {self.flag}" if self.flag else "allowed"
        return f"refused; {self.flag}?" if self.flag else "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement(ShownAsText):
    """All decisions on a staging folder. `print(judgement)` shows the whole table.

    Attributes:
        visibility: who could read it.
        decisions: one for each file and column.
        flags: those that were used: name -> what it lets through. The card records them.
        licence: what the card says.
        needs_gate: whether it may only be read by people who were let in, once it is not private.
    """

    visibility: Visibility
    decisions: tuple[Decision, ...]
    flags: Mapping[str, str]
    licence: CardLicence
    needs_gate: bool

    @property
    def refusals(self) -> tuple[Decision, ...]:
        """The decisions that refuse."""
        return tuple(one for one in self.decisions if not one.is_allowed)

    @property
    def is_allowed(self) -> bool:
        """Whether nothing is refused."""
        return not self.refusals

    def raise_if_refused(self) -> None:
        """Do nothing where all is allowed.

        Raises:
            PublishRefusedError: something is refused; names the first, its clause, and what to do.
        """
        if self.refusals:
            raise refusal(self.refusals, self.visibility)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it, as JSON can write it."""
        return {
            "visibility": self.visibility,
            "is_allowed": self.is_allowed,
            "needs_gate": self.needs_gate,
            "flags": dict(self.flags),
            "licence": dataclasses.asdict(self.licence),
            "decisions": [dataclasses.asdict(one) for one in self.decisions],
        }

    def __str__(self) -> str:
        parts = [
            text_table(
                ("config", "place", "what", "class", "decision"),
                [
                    (
                        _short(one.config, "config"),
                        _short(one.place, "place"),
                        _short(one.what, "what"),
                        one.redistribution,
                        one.verdict,
                    )
                    for one in self.decisions
                ],
                left=range(5),
            ),
            *(f"{title}\n{text}" for title, text in self._parts() if text),
        ]
        return "\n\n".join(parts)

    def _parts(self) -> Iterator[tuple[str, str]]:
        refused = len(self.refusals)
        yield (
            f"Refused: {refused} of {len(self.decisions)}, {self.visibility}",
            "\n".join(map(_told, self.refusals)),
        )
        clauses = dict.fromkeys(one.clause for one in self.decisions if one.is_allowed)
        yield "Relied on", "\n".join(_wrapped(clause, "- ") for clause in clauses)
        yield "Flags used", "\n".join(_wrapped(f"{name}: {what}", "- ") for name, what in self.flags.items())
        yield f"Licence: {self.licence.name or self.licence.id}", _wrapped(self.licence.text, "")
        gate = "Once others may read it, it has to be gated." if self.needs_gate else ""
        yield f"Visibility: {self.visibility}", _wrapped(gate, "") if self.visibility == "private" else ""


def refusal(refusals: tuple[Decision, ...], visibility: Visibility) -> PublishRefusedError:
    """Return the error for what is refused: of fewer than 500 characters, whatever it quotes.

    It names what no flag lets through, sound and pictures before all else; and flags only where they are enough.
    """
    first, more = min(refusals, key=_urgency), len(refusals) - 1
    flags = list(dict.fromkeys(one.flag for one in refusals if one.flag)) if first.flag else []
    max_chars = _MAX_REASON_CHARS if flags else _MAX_FINAL_REASON_CHARS
    where = f"{first.config}: {first.place}" if first.config else first.place
    text = f"{quote(where)} may not be shared ({visibility}): {_cut(first.reason, max_chars)}"
    text += f" ({_cut(first.clause, _MAX_CLAUSE_CHARS)})"
    text += f"; and {more} more." if more else "."
    remedy = f" Allow it by name ({', '.join(flags)}), or leave it out;" if flags else " Leave it out;"
    return PublishRefusedError(f"{text}{remedy} --dry-run shows the whole table.")


def _urgency(decision: Decision) -> int:
    """Return 0 for what is never shared, 1 for what no flag lets through here, 2 for what one does."""
    if decision.flag is not None:
        return 2
    return 0 if decision.redistribution in ("media", "recognition") else 1


def _told(decision: Decision) -> str:
    where = f"{decision.config}, {decision.place}" if decision.config else decision.place
    lines = [_wrapped(f"{where}: {decision.reason}.", "- "), _wrapped(f"Clause: {decision.clause}.", "  ")]
    if decision.flag:
        lines.append(_wrapped(f"Flag that lets it through: {decision.flag}.", "  "))
    return "\n".join(lines)


def _wrapped(text: str, bullet: str) -> str:
    return "\n".join(
        textwrap.wrap(
            printable(text),
            _WIDTH,
            initial_indent=f"  {bullet}",
            subsequent_indent=" " * (2 + len(bullet)),
            break_on_hyphens=False,
        )
    )


def _short(text: str, column: str) -> str:
    return _cut(text, _CELL_CHARS[column])


def _cut(text: str, max_chars: int) -> str:
    text = printable(text)
    return text if len(text) <= max_chars else f"{text[: max_chars - 1]}…"
