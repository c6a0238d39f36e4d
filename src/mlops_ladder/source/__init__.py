"""The template: where it is, which version, and rendering it."""
