"""What the commands without a screen print: the records read as plain values and as text."""
