"""What the commands without a screen print: reads of the records as values and as text."""
