"""Who trades with these records: where they are, the locks, standing by, sending a command."""
