"""Reads the records for people: the history, and everything about one cycle, entry or slot."""
