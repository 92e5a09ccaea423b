"""The trader of some records: where the records are, its locks, standing by for it, sending it a command."""
