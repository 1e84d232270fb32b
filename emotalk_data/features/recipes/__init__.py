"""RECIPES: what the papers' authors computed, and how to compute it well, as data. Nothing is imported here."""
