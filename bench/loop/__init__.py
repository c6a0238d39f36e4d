"""Error rates of the retraining loop in synthetic worlds, beside simple rules."""
