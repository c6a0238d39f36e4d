"""Reports of plans and results: JSON, text and the terminal."""
