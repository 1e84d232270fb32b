"""OTHER FORMS: sets as other projects read them, and M3ED's released features read. Nothing is imported here."""
