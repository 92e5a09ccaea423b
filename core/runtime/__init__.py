"""The engine's replaceable access to the machine: clock, ids, virtual time, event bus, redaction."""
