"""What the operator saw, day by day, in compact files; and the way back to it."""

DAYS = "days"
"""The folder of the days, beside the records of their mode or demo."""
