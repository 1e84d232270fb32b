"""What came of publishing, as a value and as text for a person."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from emotalk_data.hub.guard.judgement import Judgement
from emotalk_data.hub.guard.licences import encoder_licence
from emotalk_data.hub.publishing.options import Gate
from emotalk_data.hub.staged import Visibility
from emotalk_data.schemas.text_table import ShownAsText, text_table

__all__ = ["Published"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published(ShownAsText):
    """What came of `publish` or `make_public`. `print(published)` shows it, and what comes next.

    Attributes:
        verb: which of the two.
        repo_id: the repository.
        url: its page.
        visibility: who can read it now; after a dry run, who could.
        gated: who is let in, once it is not private.
        commit: what was published; None after a dry run.
        tag: its name; after a dry run, the name that it would get.
        is_new_commit: this run made it; else all was there already.
        is_changed: this run changed anything: commit, tag or settings.
        is_dry_run: nothing was sent.
        num_files: all files of the set, card and Croissant included.
        num_bytes: of these.
        num_new_files: of these, those that the repository did not have; all of them where it was not asked.
        num_new_bytes: of these.
        num_removed_files: files of these configs that were there, and are no more in what is published.
        configs: for each config and split its rows.
        judgement: what the guard decided.
        remarks: what else is worth knowing, a sentence each.
    """

    verb: Literal["publish", "make_public"]
    repo_id: str
    url: str
    visibility: Visibility
    gated: Gate
    commit: str | None
    tag: str
    is_new_commit: bool
    is_changed: bool
    is_dry_run: bool
    num_files: int
    num_bytes: int
    num_new_files: int
    num_new_bytes: int
    num_removed_files: int
    configs: Mapping[str, Mapping[str, int]]
    judgement: Judgement
    remarks: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return all of it, as JSON can write it."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return values | {
            "configs": {name: dict(splits) for name, splits in self.configs.items()},
            "judgement": self.judgement.to_dict(),
            "remarks": list(self.remarks),
        }

    def __str__(self) -> str:
        parts = [self._first_line(), self._table(), *self._removals(), *self.remarks]
        if self.is_dry_run:
            return "\n\n".join([str(self.judgement), *parts])
        return "\n\n".join([*parts, self._next_steps()])

    def _first_line(self) -> str:
        if self.is_dry_run:
            if not self.judgement.is_allowed:
                return f"dry run: {self.repo_id} would be refused; nothing was uploaded"
            return f"dry run: {self._would()}; nothing was uploaded"
        if not self.is_changed:
            done = f"nothing to do: {self.repo_id} has all of it"
        elif self.verb == "make_public":
            done = f"opened {self.repo_id}"
        else:
            done = f"published {self.repo_id}"
        gate = f", gated ({self.gated})" if self.gated and self.visibility != "private" else ""
        who = "private" if self.visibility == "private" else f"public{gate}"
        return f"{done}: {who}, commit {(self.commit or '')[:12]}, tag {self.tag}\n{self.url}"

    def _would(self) -> str:
        if self.verb == "make_public":
            gate = f"gated ({self.gated})" if self.gated else "without a gate"
            return f"{self.repo_id} could be made public, {gate}"
        if not self.num_new_files:
            return f"{self.repo_id} has all {self.num_files:,} files already, tag {self.tag}"
        return (
            f"{self.num_new_files:,} of {self.num_files:,} files, {self.num_new_bytes:,} bytes, would be "
            f"uploaded to {self.repo_id} ({self.visibility}), tag {self.tag}"
        )

    def _removals(self) -> list[str]:
        if not self.num_removed_files:
            return []
        files = "1 file" if self.num_removed_files == 1 else f"{self.num_removed_files:,} files"
        verb = "would be" if self.is_dry_run else "were" if self.num_removed_files > 1 else "was"
        return [f"{files} of these configs that the set no longer has {verb} removed."]

    def _table(self) -> str:
        splits = list(dict.fromkeys(split for rows in self.configs.values() for split in rows))
        lines = [
            (name, *(f"{rows[split]:,}" if split in rows else "-" for split in splits))
            for name, rows in self.configs.items()
        ]
        return text_table(("config, rows", *splits), lines)

    def _opening_command(self) -> str:
        """Return the command with all that the guard was told: it will have to be told again."""
        words = ["emotalk make-public", self.repo_id, *(f"--allow {flag}" for flag in self.judgement.flags)]
        for model, licence in self.judgement.licence.encoders:
            if encoder_licence(model, {}) is None:
                words.append(f"--encoder-licence {shlex.quote(f'{model}={licence}')}")
        return " ".join(words)

    def _next_steps(self) -> str:
        config = next(iter(self.configs))
        steps = [
            "anyone who may read it loads it without this package:",
            f'  datasets.load_dataset("{self.repo_id}", "{config}", revision="{self.tag}")',
        ]
        if "m3ed-private" in self.judgement.flags:
            steps += ["It stays private: nothing of M3ED may be opened to others."]
        elif self.visibility == "private":
            steps += [
                "others may read it once it is public, which the guard judges anew:",
                f"  {self._opening_command()}",
            ]
        elif self.gated == "manual":
            steps += ["who may read it you decide, request by request:", f"  {self.url}/settings"]
        return "\n".join(steps)
