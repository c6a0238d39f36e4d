"""Reading any repository: files, what they run and need, and maturity criteria."""
