"""EXTRACTION HOOKS: features of pretrained encoders, made by a run that can be stopped, and kept with their source."""
