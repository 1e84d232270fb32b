"""M3ED: its files, dialogues and corpus."""
