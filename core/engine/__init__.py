"""One trader: built, started, supervised and ended in order, on a thread of its own; it builds the snapshot."""
