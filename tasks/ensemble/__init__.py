"""The ensemble: what the fold models say together."""
