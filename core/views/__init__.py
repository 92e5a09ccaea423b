"""Turns records and engine values into what a person reads: slices, stories, pages. Pure functions."""
