"""WHAT A MODEL IS TRAINED ON: the released label, or what the votes behind it give.

tasks                 the released label as each task has it, and the rows that the task leaves out
targets, vote_labels  soft labels, counts and orders from the votes
labels                `label_view`, and the report of what became of every row
annotation_rules, ruled_labels    final labels made again by the authors' rules
harmonised            one space of seven classes for both corpora
class_weights         weights of a loss, for unbalanced classes
"""
