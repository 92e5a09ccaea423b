"""What the operator saw, day by day, in compact files; and the way back to it."""
