"""What one part tells another: events, commands, reasons, outcomes, breakers, account settings."""
