"""How a model becomes a bundle, proves itself, and goes live. What serves knows nothing of this."""
