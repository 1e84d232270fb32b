"""What is printed: JSON, GitHub, JUnit, SARIF, line numbers, explanations."""
