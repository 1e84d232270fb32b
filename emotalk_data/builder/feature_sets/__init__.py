"""FEATURE SETS: the folders that an encoder's run wrote, opened, read, and put beside the rows of a corpus.

opening         a folder: its plan, its shards, whether all are there
store           what was opened: rows, counts, one row or all
shards          one file: footer, ids, row groups
checks          whether files are one set, and what is missing
set_plan        which shards there are to be
stored_rows     from Arrow's memory to numpy
vectors         a vector of each utterance in one array
mapped_tables   files that `datasets` maps into memory
join            features beside the rows of a dataset
joined          what `load_dataset(feature_sets=…)` does
"""
