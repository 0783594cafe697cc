"""Data Docs: the report of a validation as a folder of HTML pages that need no network."""
