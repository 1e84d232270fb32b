"""EmotionTalk's codes for names, the release as a whole, and archives."""

from __future__ import annotations

from typing import Final

from emotalk_data.schemas.codes.code import Code, error, note, warning

__all__ = ["EMOTALK_RELEASE_CODES"]

EMOTALK_RELEASE_CODES: Final[dict[str, Code]] = {
    # Names.
    "ET-ID-001": error(
        "A file that is not named by an utterance id; it makes no row.",
        "Rename the file, or move it out of the release.",
        "Text/json/G00003/G00003_01/G00003_01_13/notes.json",
    ),
    "ET-ID-002": warning(
        "A file outside the folder its id names; the id counts.",
        "Move the file.",
        "Text/json/G00003/G00003_01/G00003_01_14/G00003_01_13_002.json",
    ),
    "ET-ID-003": warning(
        "speaker_id is not the id's speaker; the id counts.",
        "Correct speaker_id.",
        '"speaker_id": "14" in G00003_01_13_002.json',
    ),
    "ET-ID-004": warning(
        "One number for utterances of both speakers of a dialogue.",
        "Renumber one of them.",
        "G00002_01_03_007 beside G00002_01_04_007",
    ),
    "ET-ID-005": warning(
        "A JSON file of another name, beside the folders of records; it makes no row.",
        "Move it out, pass it over in emotalk.toml, or give it a name that begins with a dot.",
        "package.json beside Text/",
    ),
    "ET-PATH-001": warning(
        "file_path or file_name names another file; the id counts.",
        "Correct the path.",
        '"file_path": "G00003/G00003_01/G00003_01_13/G00003_01_13_009.wav" in G00003_01_13_002.json',
    ),
    "ET-KIND-001": error(
        "No telling which modality a record belongs to.",
        "Keep Text, Audio, … in the path.",
        "json/G00003_01_13_002.json (below none of Text, Audio, Video, Multimodal)",
    ),
    "ET-DUP-001": error(
        "A second file for the same utterance; the first is used.",
        "Remove one.",
        "Text/json/G00003_01_13_002.json and Text/json/copy/G00003_01_13_002.json",
    ),
    "ET-DUP-002": note(
        "Archive members that are also there as files; the files are used.",
        "Nothing to do.",
        "Text.tar beside the folder Text that was extracted from it",
    ),
    # The release.
    "ET-PRES-001": warning(
        "An utterance without a record in a modality that others have.",
        "Fetch it again, or add it.",
        "G00003_01_13_002.json in Text, Audio and Multimodal and not in Video",
    ),
    "ET-PRES-002": warning(
        "An utterance without its media file, which others have.",
        "Fetch it again, or add it.",
        "Audio/json/…/G00003_01_13_002.json without Audio/wav/…/G00003_01_13_002.wav",
    ),
    "ET-PRES-003": warning(
        "A media file that no record names; it makes no row.",
        "Add its record, or remove the file.",
        "Audio/wav/…/G00003_01_13_099.wav without any G00003_01_13_099.json",
    ),
    "ET-SPLIT-001": warning(
        "A group of no official split; it is in train.",
        "Check the id.",
        "Text/json/G00042/G00042_01/G00042_01_13/G00042_01_13_002.json",
    ),
    "ET-SPLIT-002": note(
        "Two official splits share a speaker.",
        "Nothing to do; results on the two splits are not independent.",
        "speaker 02 in validation and test",
    ),
    "ET-SPEAKER-001": note(
        "A dialogue with the turns of one speaker only.",
        "Nothing to do.",
        "every utterance of G00002_03 is by speaker 04",
    ),
    "ET-SPEAKER-002": warning(
        "More than two speakers in a group.",
        "Check the ids: a group is two actors.",
        "G00002_01_03_001, G00002_01_04_002 and G00002_02_05_001",
    ),
    "ET-COUNT-001": note(
        "Another number of utterances or dialogues than was published.",
        "Nothing to do.",
        "742 dialogues where the paper counts 744",
    ),
    "ET-TAR-001": note(
        "An archive is odd at its end or in its members' modes; all that is there is read.",
        "Compare its size with the original's: a whole one may be like this.",
        "Text.tar without the two blocks of zeros at its end",
    ),
    "ET-TAR-002": error(
        "Media inside a compressed archive, where they cannot be read in place; null.",
        "Decompress it: rename Audio.tar to Audio.tar.gz, then gzip -d Audio.tar.gz.",
        "Audio.tar that holds gzip data and *.wav members",
    ),
    "ET-TAR-003": error(
        "An archive that is damaged, cut or unsafe; nothing of it is read.",
        "Fetch it again.",
        "Text.tar that ends in the middle of a member",
    ),
    "ET-TAR-004": warning(
        "An archive of a kind that is not read; nothing of it is in the rows.",
        "Unpack it, or pack it as a tar.",
        "Text.tar.xz, Text.zip, Audio.tar.part1",
    ),
}
