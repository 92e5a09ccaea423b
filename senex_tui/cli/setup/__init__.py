"""The dialogue of `senex setup`: asks, checks each answer, and writes at the end."""
