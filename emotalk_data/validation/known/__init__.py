"""What is known already: `emotalk.toml` and baselines."""
