"""Champion and challenger, compared on what happens in production."""
