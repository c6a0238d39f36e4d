"""How the served model does: the inputs it sees and the errors it makes, day by day."""
