"""Turns records and values of the engine into what a person reads: slices of the snapshot, stories, pages."""
