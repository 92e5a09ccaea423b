"""A console without the engine: it follows another one's through Redis, and asks of it through the records."""
