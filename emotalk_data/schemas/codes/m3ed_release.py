"""M3ED's codes for what lies around the annotation: places in episodes, splits, clips."""

from __future__ import annotations

from typing import Final

from emotalk_data.schemas.codes.code import Code, error, note, warning

__all__ = ["M3ED_RELEASE_CODES"]

M3ED_RELEASE_CODES: Final[dict[str, Code]] = {
    # Places in episodes.
    "M3-REL-001": note(
        "A dialogue of the relation file that is not annotated.",
        "Nothing to do.",
        '"anjia_99": {"episode": 4, …}',
    ),
    "M3-REL-002": warning(
        "A dialogue without a place in its episode.",
        "Add it to the relation file.",
        "anjia_5 is in annotation.json alone",
    ),
    "M3-REL-003": note(
        "No relation file: where dialogues lie in their episodes is unknown.",
        "Add the file.",
        "a folder without relation_annotation_release.json",
    ),
    "M3-REL-004": warning(
        "A dialogue of the relation file under a series that is not its own; its name counts.",
        "Move it to its series.",
        '"anjia": {"huanlesong_8": {"episode": 4, …}}',
    ),
    "M3-REL-005": warning(
        "A dialogue of the relation file without its episode; null.",
        "Add episode.",
        '"anjia_1": {"start_time": …, "end_time": …}',
    ),
    "M3-REL-006": note(
        "The utterances of two dialogues overlap in one episode.",
        "Check the places of both.",
        "anjia_5 starts at 00:14:40:23 of episode 4, before anjia_4 ends",
    ),
    # Splits.
    "M3-SPLIT-001": error(
        "A series in no split list; its utterances make no rows.",
        "Add it to a list.",
        "qingyunzhi is in annotation.json and in no movie_list_*.txt",
    ),
    "M3-SPLIT-002": error(
        "A series in two split lists; the first is used.",
        "Remove one.",
        "anjia in movie_list_train.txt and movie_list_test.txt",
    ),
    "M3-SPLIT-003": warning(
        "A series of a split list that is not annotated.",
        "Check the annotation file.",
        "anjia is in movie_list_train.txt and not in annotation.json",
    ),
    "M3-SPLIT-004": warning(
        "movie_list_total.txt is not the three lists together; it is not used.",
        "Make them agree.",
        "anjia in movie_list_train.txt and not in movie_list_total.txt",
    ),
    "M3-SPLIT-005": error(
        "A line of a split list that is no name of a series, or not UTF-8; it is passed over.",
        "Save the list as UTF-8, one series a line.",
        "a list in GBK or UTF-16",
    ),
    "M3-SPLIT-006": note("A series twice in one split list.", "Remove one.", "anjia in lines 3 and 9"),
    # Clips and episodes.
    "M3-AUD-001": warning(
        "An utterance without its audio clip, which others have.", "Fetch it again.", "no A_anjia_1_3.wav"
    ),
    "M3-AUD-002": note(
        "An audio clip under the other speaker's letter; it is used.",
        "Nothing to do.",
        "A_anjia_1_3.wav of an utterance of B",
    ),
    "M3-AUD-003": note(
        "An audio clip of no annotated utterance; it makes no row.", "Nothing to do.", "A_anjia_99_1.wav"
    ),
    "M3-AUD-004": error(
        "A second audio clip for the same utterance; the first is used.",
        "Remove one.",
        "train/A_anjia_1_3.wav and all/A_anjia_1_3.wav",
    ),
    "M3-EPI-001": warning(
        "An episode that the relation file names and the folder lacks.", "Add the file.", "no anjia/02.mp4"
    ),
    "M3-EPI-002": error(
        "Two files for one episode; neither is used.", "Keep one.", "anjia/02.mp4 and anjia/anjia_E02.mkv"
    ),
    "M3-EPI-003": note(
        "A file whose series or episode cannot be told.",
        "Name it <series>/<episode>.mp4.",
        "anjia/trailer.mp4",
    ),
}
