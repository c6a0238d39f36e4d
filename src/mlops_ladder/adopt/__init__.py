"""Adding a level to an existing repository, as one commit on a branch to review."""
