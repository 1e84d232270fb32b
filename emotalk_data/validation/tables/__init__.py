"""Built datasets and feature sets: Parquet and Arrow."""
