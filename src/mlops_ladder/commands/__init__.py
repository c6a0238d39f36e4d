"""One module per command, and what they share.

They import what is slow to import (copier, rich, pandas) where it is used, because a shell that
completes a word imports the module of its command.
"""
