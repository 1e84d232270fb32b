"""A pickle as DialogueRNN reads it, and as M3ED's authors released their features: a list of ten.

    0  ids         {dialogue: [utterance id, …]}      with the speaker before it in M3ED: A_anjia_1_2
    1  speakers    {dialogue: ["A", "B", …]}
    2  labels      {dialogue: [0, 3, …]}
    3  text        {dialogue: float32 (utterances, D)}
    4  audio       likewise
    5  visual      likewise
    6  sentences   {dialogue: ["…", …]}
    7  train, 8 validation, 9 test: [dialogue, …]

Dialogues are sorted by their ids, numbers in them as numbers; utterances by their numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from emotalk_data.errors import OptionError, quote
from emotalk_data.features.exporting.exported import Exported
from emotalk_data.features.exporting.labelled_rows import LabelledRow, check_label, choose, read_rows
from emotalk_data.features.exporting.new_place import check_room, new_file
from emotalk_data.features.exporting.plain_pickle import PickleWriter
from emotalk_data.schemas.encoder_spec import FeatureModality

if TYPE_CHECKING:
    import datasets

    from emotalk_data.builder.feature_sets.store import FeatureStore

__all__ = ["by_modality", "export_dialoguernn"]

_MODALITIES: Final[tuple[FeatureModality, ...]] = ("text", "audio", "video")
_SPLITS: Final = ("train", "validation", "test")

Dialogues = Mapping[str, Sequence[LabelledRow]]


def export_dialoguernn(
    stores: Sequence[FeatureStore],
    out: Path,
    *,
    dataset: datasets.Dataset | datasets.DatasetDict,
    label: str,
    missing: Literal["error", "skip"],
) -> Exported:
    """Write vectors of utterances, dialogue by dialogue.

    A modality without a set is an empty dict: a reader that asks for it stops, and trains on no zeros.

    Args:
        stores: the sets, at most one a modality.
        out: a new file.
        dataset: labels, speakers and sentences.
        label: its column of labels.
        missing: "skip" leaves out what lacks features, a label or a speaker; the others move together.

    Raises:
        OptionError: two sets of one modality, a set without vectors of utterances, something at `out`, an
            utterance that lacks something, or a dataset without these columns.
        CacheWriteError: it cannot be written.
    """
    of = by_modality(stores)
    _check_levels(stores)
    columns = ["dialogue_id", "utterance_number", "speaker_id", "text", label]
    check_label(dataset, label)
    rows = read_rows(dataset, columns, stores)
    needed = {label: f"no {label}", **{name: f"no {name}" for name in columns[:3]}}
    chosen, left_out = choose(stores, rows, needed=needed, missing=missing)
    dialogues = _dialogues(chosen)
    check_room(
        out, 4 * len(chosen) * sum(store.num_dims for store in stores), "Make room, or write elsewhere."
    )
    has_letters = any(store.corpus == "m3ed" for store in stores)
    with new_file(out, left_out) as file:
        writer = PickleWriter(file)
        with writer.list():
            writer.value(_ids(dialogues, has_letters))
            writer.value({one: _letters(rows) for one, rows in dialogues.items()})
            writer.value({one: [row.values[label] for row in rows] for one, rows in dialogues.items()})
            places = {name: _reserve(writer, dialogues, of.get(name)) for name in _MODALITIES}
            writer.value({one: [row.values["text"] for row in rows] for one, rows in dialogues.items()})
            for split in _SPLITS:
                writer.value([one for one, rows in dialogues.items() if rows[0].split == split])
        writer.end()
        for name, store in of.items():
            _fill(writer, store, places[name])
    return Exported(out, "dialoguernn", len(chosen), left_out.counts())


def by_modality(stores: Sequence[FeatureStore]) -> dict[FeatureModality, FeatureStore]:
    """Return the set of each modality.

    Raises:
        OptionError: two are of one modality.
    """
    of: dict[FeatureModality, FeatureStore] = {}
    for store in stores:
        other = of.setdefault(store.spec.modality, store)
        if other is not store:
            names = f"{quote(other.spec.name)} and {quote(store.spec.name)}"
            raise OptionError(f"{names} are both of {store.spec.modality}; expected one set a modality.")
    return of


def _check_levels(stores: Sequence[FeatureStore]) -> None:
    frames_only = next((store.spec.name for store in stores if "utterance" not in store.levels), None)
    if frames_only is not None:
        raise OptionError(f"the set of {quote(frames_only)} has frames alone; this form is of utterances.")


def _dialogues(rows: Sequence[LabelledRow]) -> Dialogues:
    """Return the rows of each dialogue, in the order in which they were spoken."""
    dialogues: dict[str, list[LabelledRow]] = {}
    for row in rows:
        dialogues.setdefault(row.values["dialogue_id"], []).append(row)
    for one, of_dialogue in dialogues.items():
        of_dialogue.sort(key=lambda row: (row.values["utterance_number"], row.utterance_id))
        if len({row.split for row in of_dialogue}) > 1:
            raise OptionError(
                f"dialogue {quote(one)} is in two splits; this form has whole dialogues in one."
            )
    return {one: dialogues[one] for one in sorted(dialogues, key=_natural)}


def _natural(dialogue_id: str) -> tuple[str, int, str]:
    head, _, tail = dialogue_id.rpartition("_")
    return head, int(tail) if tail.isascii() and tail.isdigit() else -1, dialogue_id


def _ids(dialogues: Dialogues, has_letters: bool) -> dict[str, list[str]]:
    def name(row: LabelledRow) -> str:
        return f"{row.values['speaker_id']}_{row.utterance_id}" if has_letters else row.utterance_id

    return {one: [name(row) for row in rows] for one, rows in dialogues.items()}


def _letters(rows: Sequence[LabelledRow]) -> list[str]:
    """Return who speaks, as the letters that readers know; other names in the order of their first words."""
    speakers = [row.values["speaker_id"] for row in rows]
    if set(speakers) <= {"A", "B"}:
        return speakers
    letters = {one: chr(ord("A") + min(number, 25)) for number, one in enumerate(dict.fromkeys(speakers))}
    return [letters[one] for one in speakers]


def _reserve(writer: PickleWriter, dialogues: Dialogues, store: FeatureStore | None) -> dict[str, int]:
    """Write empty arrays for a modality; return the place of each utterance's vector."""
    places: dict[str, int] = {}
    if store is None:
        writer.value({})
        return places
    with writer.dict():
        for one, rows in dialogues.items():
            writer.value(one)
            start = writer.reserve((len(rows), store.num_dims))
            places.update((row.utterance_id, start + 4 * store.num_dims * at) for at, row in enumerate(rows))
    return places


def _fill(writer: PickleWriter, store: FeatureStore, places: Mapping[str, int]) -> None:
    for row in store.rows():
        if row.utterance_id in places and row.pooled is not None:
            writer.fill(places[row.utterance_id], row.pooled)
