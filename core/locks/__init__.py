"""Locks that keep a second trader out: on the data folder, on the accounts, or in the database server."""
