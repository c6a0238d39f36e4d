"""The loop that closes itself: detect, retrain, prove, promote, watch, and roll back."""
