"""Migrations: planning them, merging, and applying them safely."""
