"""What the course adds to the project: checks, hints, lessons, and the climb to the next level."""
