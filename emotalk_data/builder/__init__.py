"""RECORDS -> ARROW: the columns of each corpus, and the builders that fill the cache of `datasets`.

base              what both builders share: cache key, report, on_invalid
emotalk, m3ed     one builder a module: plain `datasets` looks a builder up by its module
*_columns         the columns, and how each is filled
arrays            Arrow arrays from Python lists
"""
