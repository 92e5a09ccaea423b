"""One trader at a time: the lock on the folder, on the accounts, or in the database server."""
