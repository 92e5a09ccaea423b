"""The terminal application: it builds the engine and shows it."""
