"""RECORDS -> ARROW: the columns of each corpus, and the builders that fill the cache of `datasets`.

base              what both builders share: cache key, report, on_invalid
emotalk, m3ed     one builder a module: plain `datasets` looks a builder up by its module
releases          which corpora there are, and where a release is looked for
*_columns         the columns, and how each is filled
frozen_splits     rows grouped as a split file says
side_columns      columns beside a table, of which nothing is copied
feature_sets      folders of features: opened, checked, joined
materialised      opens a copy of `emotalk cache`; copy_layout and copy_manifest say what it is
shard_plan, folder_lock, folder_paths  what copies and feature sets are written by
arrays            Arrow arrays from Python lists
"""
