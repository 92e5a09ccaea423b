"""The values that the parts of the engine exchange: events, commands, reasons, outcomes, breakers, account settings."""
