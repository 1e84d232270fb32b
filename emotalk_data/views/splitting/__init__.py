"""WHO IS IN WHICH SPLIT: what splits share, and splits that share nothing.

speaker_graph     speakers who are linked by common dialogues
split_rows        the rows of all splits, with the ids that splits may share
split_audit       `audit_splits`; `split_findings` is what it returns
near_duplicates   transcripts that are nearly the same
unit_assignment   whole units to splits, near the asked sizes
make_splits       `make_splits`, `leave_one_group_out`; `split_folds` makes several
split_options     what may be asked of these two
"""
