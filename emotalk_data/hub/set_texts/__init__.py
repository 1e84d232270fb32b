"""WHAT IS SAID OF WHAT IS PUBLISHED: its dataset card, which an owner may go on writing, and its Croissant.

card         the YAML that plain `datasets` obeys, and all of the card together
card_text    the text: provenance, counts, licence, columns, how to load, citations
croissant    the same for tools that read https://docs.mlcommons.org/croissant
facts        what the configs of a set say of it
recipes      whose numbers a recipe gives
columns      what each column means
merging      our part, put into what the owner wrote
sections     the part of one config, which outlives the publishing of another
licence_marks  which licence the card recorded, of all and of each config
limits       which of a corpus's known limits a set has
configs      the `configs` and `dataset_info` of the owner and ours together
"""
