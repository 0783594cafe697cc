"""Corrections of labels: what people have found to be wrong in the data, read from a file and checked."""
