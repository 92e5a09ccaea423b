"""The seams to the machine: clock, ids, virtual time, event bus, redaction."""
