"""HOW GOOD A MODEL IS: the papers' metrics, with intervals over dialogues or speakers.

scored_rows     labels and predictions, checked and counted
class_metrics   metrics of classes, from tallies that can be resampled
metrics         `score`, and what it returns
"""
