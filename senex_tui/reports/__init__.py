"""The output of the commands without a screen: the records read as plain values and as text."""
