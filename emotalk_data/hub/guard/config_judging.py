"""One config against the licence table: itself, its encoders, its columns, its files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

import pyarrow as pa

from emotalk_data.errors import quote
from emotalk_data.hub.guard.allowed_columns import AllowedColumn, allowed_columns
from emotalk_data.hub.guard.classes import LICENCE_TABLE, RedistributionClass, cell_of
from emotalk_data.hub.guard.judgement import Decision
from emotalk_data.hub.guard.licences import EncoderLicence, encoder_licence
from emotalk_data.hub.guard.recognisers import recogniser_in
from emotalk_data.hub.guard.schema_scan import find_in_feature, find_in_json, leaves, short_type
from emotalk_data.hub.guard.shard_scan import ShardFindings, scan_shards
from emotalk_data.hub.guard.side_files import scan_side_file
from emotalk_data.hub.guard.text_scan import Finding, more_serious
from emotalk_data.hub.staged import StagedConfig, Visibility
from emotalk_data.schemas.feature_shard import FRAMES_SUFFIX

if TYPE_CHECKING:
    from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = ["ConfigJudging"]

_LOCAL: Final = "local"
_OURS: Final = "a rule of this library: what is shared tells nothing of the machine that made it"
_KNOWN_ONLY: Final = "the list of columns: what is on no list is not shared"
_NO_FLAG: Final = "there is no flag for it"
_OF_MODELS: Final = "the encoder's licence goes with its features: one that is not known cannot be kept"
_REVISION: Final = "a feature set says what it was made with: model, revision, settings"


@dataclass
class ConfigJudging:
    """Decides on one config.

    Attributes:
        config: the config.
        visibility: who could read it.
        flags: those that were given.
        given: licences of encoders that the caller knows.
        encoders: model -> licence of each encoder that was met; filled by `decisions`.
    """

    config: StagedConfig
    visibility: Visibility
    flags: tuple[str, ...]
    given: Mapping[str, EncoderLicence]
    encoders: dict[str, EncoderLicence | None] = field(default_factory=dict)

    def decisions(self) -> Iterator[Decision]:
        """Decide on the config as a whole, its encoder, its columns and its files."""
        yield self._of_itself()
        is_of_features = self.config.kind == "features"
        num_dims = _dims_in(self.config)
        allowed = allowed_columns(self.config, num_dims)
        scans = scan_shards(self.config.shards, allowed, is_of_features=is_of_features)
        if is_of_features:
            yield from self._of_encoders(scans)
        yield from self._of_columns(scans, allowed)
        yield from self._of_shards(scans)
        for path in self.config.other_files:
            yield self._of_file(path, scan_side_file(path, self.config.kind))

    # The config as a whole

    def _of_itself(self) -> Decision:
        config = self.config
        texts = [config.name, *config.facts.keys(), *config.facts.values(), *config.notes]
        found = find_in_json(json.dumps(texts), may_be_words=True)
        if config.kind == "unknown":
            found = Finding("other", "nothing says what its columns are or how they were made")
        elif config.corpus is None:
            found = Finding("other", "nothing says whose utterances its rows are")
        elif config.kind == "features" and not config.records:
            found = Finding("other", "no shard says how it was made")
        return self._decide("config", config.kind, "record", found, clause=self._corpus_clause())

    def _corpus_clause(self) -> str:
        return cell_of(self.config.corpus, "labels", self.visibility).clause

    # Encoders

    def _of_encoders(self, scans: Mapping[Path, ShardFindings]) -> Iterator[Decision]:
        records = [*self.config.records, *(scan.record for scan in scans.values() if scan.record is not None)]
        specs = {record.spec_digest: record.spec for record in records}
        if len(specs) > 1 or len({(one.corpus, one.levels) for one in records}) > 1:
            found = Finding("other", "its shards were made with different settings, or of different corpora")
            yield self._decide("footers", "spec", "record", found, clause=_REVISION)
        if any(one.corpus != self.config.corpus for one in records):
            found = Finding("other", "its shards say that they are of another corpus, or of none")
            yield self._decide("footers", "corpus", "record", found, clause=self._corpus_clause())
        for spec in specs.values():
            yield from self._of_encoder(spec)

    def _of_encoder(self, spec: FeatureSpec) -> Iterator[Decision]:
        place = f"encoder {spec.model}"
        recogniser = recogniser_in(spec)
        if recogniser is not None:
            yield self._by_table(place, "encoder", "recognition", f"{recogniser}; {_NO_FLAG}")
        path = find_in_json(spec.model_dump_json(), max_chars=1_000)
        if path is None and (
            spec.model.startswith((".", "/", "~")) or "\\" in spec.model or spec.model.count("/") > 1
        ):
            path = Finding("path", "its model is a folder of a machine, and no name")
        if path is not None:
            yield self._decide(place, "encoder", "record", path, clause=_OURS)
        has_revision = spec.revision is not None and spec.revision != _LOCAL
        yield self._flagged(
            place,
            "revision",
            None if has_revision else "no-model-revision",
            "its footer says the revision of the encoder"
            if has_revision
            else "its footer says no revision of the encoder, so nobody can make the features again",
            _REVISION,
        )
        licence = self.encoders[spec.model] = encoder_licence(spec.model, self.given)
        unknown = Finding(
            "other",
            f"the licence of {quote(spec.model, 60)} is not known here: --encoder-licence MODEL=LICENCE "
            f"(encoder_licences=…)",
        )
        known = "" if licence is None else f"the licence of the encoder: {licence.text}"
        yield self._decide(
            place, "licence", "record", unknown if licence is None else None, clause=_OF_MODELS, reason=known
        )

    # Columns

    def _of_columns(
        self, scans: Mapping[Path, ShardFindings], allowed: Mapping[str, AllowedColumn]
    ) -> Iterator[Decision]:
        kinds: dict[str, pa.DataType] = {}
        for scan in scans.values():
            for column in scan.schema or ():
                kinds.setdefault(column.name, column.type)
        features = dict(self.config.features)
        for name in features:
            kinds.setdefault(name, pa.null())
        findings: dict[str, Finding] = {}
        for scan in scans.values():
            for name, one in scan.columns.items():
                findings[name] = more_serious(findings.get(name), one) or one
        for name, feature in features.items():
            found = find_in_feature(feature)
            known = allowed.get(name)
            if found is not None and (known is None or known.redistribution != "media"):
                findings[name] = more_serious(findings.get(name), found) or found
        for name, kind in kinds.items():
            yield from self._of_column(name, kind, allowed.get(name), findings)

    def _of_column(
        self, name: str, kind: pa.DataType, known: AllowedColumn | None, findings: Mapping[str, Finding]
    ) -> Iterator[Decision]:
        places = dict(leaves(kind, name)) or {name: kind}
        if name in findings:
            places = {name: kind, **{place: one for place, one in places.items() if place in findings}}
        for place, inner in places.items():
            found, shown = findings.get(place), f"column {place}"
            what = short_type(kind if place == name else inner)
            if found is not None:
                yield self._of_finding(shown, what, known, found)
            elif known is None:
                reason = "it is none of the columns that are known here"
                yield self._decide(shown, what, "unknown", Finding("other", reason), clause=_KNOWN_ONLY)
            else:
                yield self._by_table(shown, what, known.redistribution, self._says(name, known))

    def _says(self, name: str, known: AllowedColumn) -> str:
        is_of_text = bool(self.config.records) and self.config.records[0].spec.modality == "text"
        texts: dict[RedistributionClass, str] = {
            "labels": "ids, labels, times and how rows were made",
            "transcripts": "what is said, and the marks in it",
            "captions": "how it sounds, in words",
            "vectors": "features of whole utterances",
            "frames": "features of tokens" if is_of_text else "features of frames",
            "media": f"sound or pictures; {_NO_FLAG}",
        }
        if known.redistribution == "frames" and not name.endswith(FRAMES_SUFFIX):
            return "times of frames"
        return texts.get(known.redistribution, "")

    def _of_finding(self, place: str, what: str, known: AllowedColumn | None, found: Finding) -> Decision:
        if found.kind == "media":
            return self._by_table(place, what, "media", f"{found.reason}; {_NO_FLAG}")
        if found.kind == "words":
            if known is not None and known.is_prose:
                return self._by_table(place, what, "transcripts", found.reason)
            clause = cell_of(self.config.corpus, "transcripts", self.visibility).clause
            return self._decide(place, what, "transcripts", found, clause=clause)
        clause = _OURS if found.kind in ("path", "token") else _KNOWN_ONLY
        return self._decide(place, what, known.redistribution if known else "unknown", found, clause=clause)

    # Files

    def _of_shards(self, scans: Mapping[Path, ShardFindings]) -> Iterator[Decision]:
        for path, scan in scans.items():
            if scan.file is not None:
                yield self._of_file(path, scan.file)
        num_good = sum(scan.file is None for scan in scans.values())
        if num_good:
            place = f"{num_good:,} {'shard' if num_good == 1 else 'shards'}"
            yield self._decide(place, "footers, bytes", "record", None, clause=_OURS)
        if not scans:
            yield self._decide(
                "shards", "none", "record", Finding("other", "it has no shard"), clause=_KNOWN_ONLY
            )

    def _of_file(self, path: Path, found: Finding | None) -> Decision:
        place = f"file {path.name}"
        if found is not None and found.kind == "media":
            return self._by_table(place, "file", "media", f"{found.reason}; {_NO_FLAG}")
        clause = _KNOWN_ONLY if found is not None and found.kind == "other" else _OURS
        return self._decide(place, path.suffix.removeprefix("."), "record", found, clause=clause)

    # Decisions

    def _by_table(self, place: str, what: str, redistribution: RedistributionClass, reason: str) -> Decision:
        """Decide as the licence table says, with the flags that were given."""
        cell = cell_of(self.config.corpus, redistribution, self.visibility)
        is_allowed = cell.is_allowed and (cell.flag is None or cell.flag in self.flags)
        if not is_allowed and cell.flag is None:
            reason += self._elsewhere(redistribution)
        return Decision(
            config=self.config.name,
            place=place,
            what=what,
            redistribution=redistribution,
            is_allowed=is_allowed,
            flag=cell.flag,
            clause=cell.clause,
            reason=reason,
        )

    def _elsewhere(self, redistribution: RedistributionClass) -> str:
        """Say who else might read it, where others may."""
        corpus = self.config.corpus
        could = [
            one
            for one in get_args(Visibility)
            if corpus is not None
            and (corpus, redistribution, one) in LICENCE_TABLE
            and LICENCE_TABLE[corpus, redistribution, one].is_allowed
        ]
        return f"; they may be in a repository that is {' or '.join(could)}" if could else ""

    def _flagged(self, place: str, what: str, flag: str | None, reason: str, clause: str) -> Decision:
        is_allowed = flag is None or flag in self.flags
        return Decision(
            config=self.config.name,
            place=place,
            what=what,
            redistribution="record",
            is_allowed=is_allowed,
            flag=flag,
            clause=clause,
            reason=reason,
        )

    def _decide(
        self,
        place: str,
        what: str,
        redistribution: RedistributionClass,
        found: Finding | None,
        *,
        clause: str,
        reason: str = "",
    ) -> Decision:
        """Refuse what was found, whatever the flags are; allow where nothing was."""
        return Decision(
            config=self.config.name,
            place=place,
            what=what,
            redistribution=redistribution,
            is_allowed=found is None,
            flag=None,
            clause=clause,
            reason=found.reason if found is not None else reason or "nothing was found in it",
        )


def _dims_in(config: StagedConfig) -> int | None:
    """Return D of a feature set whose spec leaves it to the encoder, as staging found it."""
    if not config.records:
        return None
    feature = config.features.get(config.records[0].spec.column) or config.features.get(
        config.records[0].spec.column + FRAMES_SUFFIX
    )
    while feature is not None and hasattr(feature, "feature"):
        length = getattr(feature, "length", -1)
        if isinstance(length, int) and length > 0:
            return length
        feature = feature.feature
    return None
