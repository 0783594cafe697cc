"""Training of one fold: weights, history, out-of-fold and evaluation probabilities."""
