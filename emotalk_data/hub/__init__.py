"""WHAT GOES OUT: what may be shared, how it is told, and how it comes to the Hub.

    publishing     `publish` and `make_public`: staged, judged, sent in one commit, compared, read back, tagged
    set_texts      card and Croissant of what is published
    guard          what may be shared, by column, with the clause of the licence
    staging        feature sets, split files and built folders, laid out as they are uploaded
    staged         what is laid out: what the others hand to each other
    building       a corpus, or its labels, as Parquet, for oneself
    published      the files of `schemas/` and `loaders/` that `emotalk export` writes

    card           the card of a corpus
    croissant      its Croissant; `croissant_parts` are those of any
    corpora        what is said of each corpus: licence, splits, limits, citation
    columns        what each column of a corpus means
    feature_text   features and Arrow types as short text
    markdown       texts that come from outside, as Markdown
    local_paths    whether a text names a place on a machine

Nothing here is imported by `import emotalk_data`.
"""
