"""The loop rehearsed on a clock that runs fast: once as a story, and in many worlds at once."""
