"""WHO SPOKE WHEN: conversations, turns, what was said before, and how emotions go on.

dialogue_order   rows in the order in which they were spoken; all others build on it
dialogues        one row a dialogue, one row a turn
context          the utterances around each one, for recognition and for prediction
emotion_shift    emotions between turns and inside them
attention_masks  who may look at whom, as M3ED's MDI model has it
"""
