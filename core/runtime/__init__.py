"""What the engine uses of the machine, so that it can be replaced: clock, ids, virtual time, event bus, redaction."""
