"""Records what the screen showed, in one file a day, and plays it back."""

DAYS = "days"
"""The folder of the recorded days; it lies beside the records of their mode or demo."""
