"""Reading any repository: files, and what they run and need."""
