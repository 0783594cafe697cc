"""Boxes: where the face is on every photo."""
