"""ENCODERS: what turns sound, pictures and text into vectors, one module a backend. Nothing is imported here."""
