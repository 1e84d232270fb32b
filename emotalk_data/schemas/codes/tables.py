"""Codes of built datasets and feature sets."""

from __future__ import annotations

from typing import Final

from emotalk_data.schemas.codes.code import Code, error, note, warning

__all__ = ["TABLES_CODES"]

_DATASET: Final[dict[str, Code]] = {
    # Files.
    "DS-FILE-001": error(
        "A file that is not whole; its rows from there on are not read.",
        "Build it again, or fetch it again.",
        "train-00000-of-00001.parquet is damaged: Parquet magic bytes not found in footer",
    ),
    "DS-FILE-002": error(
        "A file that would be larger than any corpus; it is not read.",
        "Check what the file really is.",
        "rows.parquet is 20,000,000 rows; expected at most 5,000,000 rows, and no bomb",
    ),
    "DS-FILE-003": error(
        "Files that others name are missing; their rows are not there.",
        "Fetch or build the missing ones again.",
        "train-00000-of-00002.parquet is one of 1 shards of its series; expected 2, as its name says",
    ),
    "DS-FILE-004": error(
        "dataset_info.json counts other rows than there are.",
        "Build the dataset again: a file was cut or exchanged.",
        "dataset_info.json: splits.train is 11 rows in files; expected 12, as it says",
    ),
    "DS-META-001": error(
        "A description of the dataset that cannot be read.",
        "Write it again with `datasets`.",
        "train.parquet: huggingface is not strict JSON; expected the features, as `datasets` writes them",
    ),
    # Columns.
    "DS-COLUMN-001": error(
        "A column is missing.",
        "Build the dataset with load_dataset, and keep its columns.",
        "train.parquet: sentiment is missing; expected a column of double",
    ),
    "DS-COLUMN-002": error(
        "A column of another type; its values are not looked at.",
        "Cast it: ds.cast_column.",
        "train.parquet: utterance_number is int64; expected int32",
    ),
    "DS-COLUMN-003": note(
        "A column that the corpus does not have.",
        "Nothing to do; its values are not looked at.",
        "train.parquet: my_split is an unknown column; expected a column of emotalk",
    ),
    # Names.
    "DS-ID-001": error(
        "A row whose utterance_id is null or no id.",
        "Write the id of the release.",
        "train.parquet: row[3].utterance_id is 'g8_1_11_2'; expected an id such as G00008_01_11_002",
    ),
    "DS-ID-002": error(
        "A column that repeats a part of the id says another.",
        "Correct the column: the id counts.",
        "train.parquet: row[3].speaker_id is '12'; expected '11', as its id says",
    ),
    "DS-DUP-001": error(
        "A second row for the same utterance.",
        "Remove one.",
        "train.parquet: row[7].utterance_id is a second row; expected one row for each utterance",
    ),
    "DS-SPLIT-001": warning(
        "A row outside the official split of its group.",
        "Move it, or do not compare results with the paper's.",
        "test.parquet: row[0].utterance_id is in test; expected in train, where its group is",
    ),
    "DS-SPLIT-002": error(
        "An utterance that is in two splits: what is tested was trained on.",
        "Remove one of its rows.",
        "test.parquet: row[0].utterance_id is in test; expected only in train, where it is too",
    ),
    "DS-SPLIT-003": warning(
        "A series with rows in two splits: its voices and faces are in both.",
        "Split by series, as the authors do.",
        "test.parquet is with rows of anjia, which is in train too; expected each series in one split",
    ),
    # Values.
    "DS-LABEL-001": error(
        "A label id that the label set does not have.",
        "Write one of its ids, or null.",
        "train.parquet: row[3].emotion is 7; expected an id from 0 to 6, or null",
    ),
    "DS-LABEL-002": error(
        "A label column whose names are others, or in another order: its ids mean other labels.",
        "Cast it to the authors' ClassLabel.",
        "train.parquet: emotion is ['angry', 'happy', …]; expected ['neutral', 'happy', 'sad', …]",
    ),
    "DS-SENT-001": error(
        "A sentiment outside [-2, 2], or NaN.",
        "Write the value of the release, or null.",
        "train.parquet: row[3].sentiment is nan; expected a number from -2 to 2, or null",
    ),
    "DS-CONF-001": error(
        "A confidence that is none of the five values.",
        "Write 0.1, 0.3, 0.5, 0.7, 0.9 or null.",
        "train.parquet: row[3].annotations[2].confidence is 0.6; expected one of [0.1, 0.3, 0.5, 0.7, 0.9]",
    ),
    "DS-WORD-001": error(
        "A word outside its vocabulary.",
        "Write one of the words.",
        "train.parquet: row[3].modalities[0] is 'speech'; expected one of ['text', 'audio', …]",
    ),
    "DS-DATA-001": warning(
        "Not as many annotators as the corpus has.",
        "Check the row against the release.",
        "train.parquet: row[3].annotations is 4 annotators of text; expected 5",
    ),
    "DS-TIME-001": error(
        "A time that is negative, not finite, or an end before its start.",
        "Correct it, or write null.",
        "train.parquet: row[3].end_seconds is 4.2 to 3.9; expected an end after the start",
    ),
    "DS-TEXT-001": error(
        "An event that is no span of its text.",
        "Build the row again from text_raw.",
        "train.parquet: row[3].events[0] is [2, 40); expected a span inside the text of 12 characters",
    ),
    "DS-TEXT-002": warning(
        "The text is not what taking the markup out of text_raw gives.",
        "Build the row again from text_raw.",
        "train.parquet: row[3].text is '好'; expected text_raw without its markup",
    ),
    # Media.
    "DS-MEDIA-001": warning(
        "A sound or video file that a row names is missing.",
        "Give it back its place, or build the dataset again.",
        "train.parquet: row[3].audio.path is '/data/x.wav', missing; expected a file that is there",
    ),
    "DS-MEDIA-002": note(
        "A row names its sound or video by a path of this machine, and does not hold it.",
        "Nothing to do here; elsewhere the path leads nowhere.",
        "train.parquet: row[3].audio.path is an absolute path, without bytes; expected bytes too",
    ),
    "DS-MEDIA-003": error(
        "A sound or video value that nothing can be read from.",
        "Write bytes, the path of a file, or null.",
        "train.parquet: row[3].audio.path is 'https://…', no path that can be read; expected a file",
    ),
}

_FEATURE_SET: Final[dict[str, Code]] = {
    "FS-FILE-001": error(
        "A file that is not whole; its rows from there on are not read.",
        "Extract this shard again.",
        "part-00001.parquet is damaged: Parquet magic bytes not found in footer",
    ),
    "FS-FILE-002": error(
        "A file that would be larger than any corpus; it is not read.",
        "Check what the file really is.",
        "part-00001.parquet is 20,000,000 rows; expected at most 5,000,000 rows, and no bomb",
    ),
    "FS-FILE-003": error(
        "Shards that others name are missing; their rows are not there.",
        "Extract them again.",
        "train-00000-of-00002.parquet is one of 1 shards of its series; expected 2, as its name says",
    ),
    "FS-COLUMN-001": error(
        "No column of utterance ids: no telling whose vectors these are.",
        "Add utterance_id.",
        "part-00000.parquet: utterance_id is missing, or no column of strings; expected a column of strings",
    ),
    "FS-COLUMN-002": error(
        "Shards whose columns of vectors differ.",
        "Extract the shard that differs again.",
        "part-00001.parquet: hubert is frames of 768 halffloat; expected frames of 1024 halffloat",
    ),
    "FS-COLUMN-003": note(
        "Vectors whose type does not fix their length, or has other numbers than float16 and float32.",
        "Nothing to do; the fixed type is smaller and loads faster.",
        "part-00000.parquet: hubert is list<element: double>; expected fixed_size_list<float16 or float32, D>",
    ),
    "FS-ID-001": error(
        "A row whose utterance_id is null or no id.",
        "Write the id of the release.",
        "part-00000.parquet: row[3].utterance_id is None; expected an id such as G00008_01_11_002",
    ),
    "FS-DUP-001": error(
        "A second row for the same utterance.",
        "Remove one.",
        "part-00001.parquet: row[0].utterance_id is a second row; expected one row for each utterance",
    ),
    "FS-DIM-001": error(
        "Vectors of different lengths in one column.",
        "Extract the row again.",
        "part-00000.parquet: row[3].hubert is a vector of 767 numbers; expected 768, as the first one has",
    ),
    "FS-VALUE-001": error(
        "A vector with NaN, infinity or null in it.",
        "Extract the row again, in float32; else make it null with a reason.",
        "part-00000.parquet: row[3].hubert is a vector with nan; expected finite numbers",
    ),
    "FS-VALUE-002": warning(
        "A row of zeros alone: they stand for a failure.",
        "Make it null with a reason, or extract it again.",
        "part-00000.parquet: row[3].hubert is all zeros; expected a vector, or null where it failed",
    ),
    "FS-NULL-001": warning(
        "A null that says no reason.",
        "Write the reason into the column error.",
        "part-00000.parquet: row[3].hubert is null, without a reason; expected a reason beside it",
    ),
    "FS-NULL-002": warning(
        "A reason for a failure beside a value.",
        "Remove the one that is wrong.",
        "part-00000.parquet: row[3].error is a reason, and values; expected one of them",
    ),
    "FS-TIME-001": error(
        "Times that do not fit the vectors: of another number, not finite, or not ascending.",
        "Extract the row again.",
        "train-00000-of-00001.parquet: row[3].hubert_seconds is 214 times; expected 215, one for each vector",
    ),
    "FS-EMPTY-001": warning(
        "A sequence without a single vector.",
        "Make it null with a reason.",
        "part-00000.parquet: row[3].hubert is a sequence of no vector; expected at least one",
    ),
    "FS-META-001": note(
        "A shard that does not say which model, or which revision of it, made it.",
        "Nothing to do; nobody can make the same again.",
        "part-00000.parquet: metadata is without a revision; expected the model and its revision",
    ),
    "FS-META-002": error(
        "A shard that another model, or another revision, made than the first one.",
        "Extract it again: it is of another set.",
        "part-00001.parquet: metadata.revision is 'b1'; expected 'a0', as in the first shard",
    ),
}

TABLES_CODES: Final[dict[str, Code]] = {**_DATASET, **_FEATURE_SET}
