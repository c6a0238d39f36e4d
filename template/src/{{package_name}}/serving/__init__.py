"""The service: what is served, how it is asked, and how a new model takes its place."""
