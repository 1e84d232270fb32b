"""WHAT MAY BE SHARED: nothing is uploaded that this room has not let through, column by column.

    judge            decides on a staging folder: every file, every column, every row
    check_folder     looks once more, when card and Croissant are in it
    check_licence    an owner's licence against the one that has to be named
    FLAGS            what may be asked for by name

    classes          redistribution classes, and the licence table as data
    licences         of corpora and encoders; the strictest for the card
    flags            the flags that there are, and what there is none for
    recognisers      models that tell speakers or faces apart
    allowed_columns  the list of columns, with the type of each and what its texts look like
    text_scan        what a string must not be: media in letters, paths, tokens, somebody's words
    number_scan      vectors that are samples or pixels
    schema_scan      types that can hold media
    metadata_scan    what a file says of itself
    file_bytes       bytes of a file between its columns and in its footer
    page_bytes       bytes inside of pages that no value shows: unused entries, what is behind the values
    page_headers     heads of pages, read strictly
    value_scan       every value of every row, batch by batch
    shard_scan       all of this of one file
    side_files       plan.json and the like
    config_judging   what was found against the table, config by config
    judging          all configs
    judgement        decisions, as a table
    folder_check     the folder as it will be uploaded

What the scans cannot find is in docs/publishing/what-may-be-shared.md.
"""

from emotalk_data.hub.guard.classes import LICENCE_TABLE, RedistributionClass
from emotalk_data.hub.guard.flags import FLAGS
from emotalk_data.hub.guard.folder_check import check_folder
from emotalk_data.hub.guard.judgement import Decision, Judgement, refusal
from emotalk_data.hub.guard.judging import judge
from emotalk_data.hub.guard.licences import CardLicence, check_licence

__all__ = [
    "FLAGS",
    "LICENCE_TABLE",
    "CardLicence",
    "Decision",
    "Judgement",
    "RedistributionClass",
    "check_folder",
    "check_licence",
    "judge",
    "refusal",
]
