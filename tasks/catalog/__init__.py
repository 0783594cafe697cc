"""The catalog: one row a photo of a data folder."""
