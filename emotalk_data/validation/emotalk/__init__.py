"""EmotionTalk: a record against itself, its dialogue, and the release."""
