"""WHAT IS PUBLISHED: the cards, Croissant descriptions and schemas that `emotalk export` writes.

    columns       what each column means, in one sentence
    corpora       what the cards say about each corpus: licence, splits, limits, citation
    feature_text  features and Arrow types as short text
    card          the Hub dataset card
    croissant     the Croissant description
    published     all files of `schemas/` and `loaders/`, written or compared with what is there

Nothing here is imported by `import emotalk_data`.
"""
