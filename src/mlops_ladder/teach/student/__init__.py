"""The course's part of the project: checks, hints, lessons, and the climb to the next level."""
