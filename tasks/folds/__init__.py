"""Folds: who is held out of which training."""
