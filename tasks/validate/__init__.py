"""Validation: whether a table is what it must be, told in Data Docs, and the gate that stops a flow if it is not."""
