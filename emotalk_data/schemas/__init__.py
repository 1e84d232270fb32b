"""WHAT A RECORD IS: ids, label sets, and the Pydantic models of both corpora's records.

    ids, labels, timecode     the names and closed vocabularies
    transcript, captions      text with markup, text about sound
    emotalk                   EmotionTalk's records as released
    emotalk_tidy, _read       other spellings brought to that form; bytes to record and problems
    m3ed, m3ed_read           the same for M3ED
    rules                     from annotators' votes to final labels
    split_file                which dialogue is in which split; split_file_errors, _text, text_table are its parts
    strict_json, keys, nulling, whole_number, problems   the parts of the above
    codes/                    every problem code, what it means, and what to do

The JSON Schemas under `schemas/` at the top of the repository are generated from here by `emotalk export`.
"""
