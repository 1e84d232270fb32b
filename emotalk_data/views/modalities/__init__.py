"""WHICH MODALITIES ARE THERE: presence in the data, and patterns of loss that others can repeat.

presence            what each row has
missing             `make_missing`, `load_missing`
missing_protocols   what each protocol takes away, drawn from hashes of ids
missing_pattern     what was drawn, with its digest
missing_file        the file of a pattern
missing_apply       the dataset without what is missing
lossy_table         its columns: nulls laid over a table that stays where it is
"""
