"""The submission: a checked CSV and its receipt."""
