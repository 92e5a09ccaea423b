"""Turns records and values of the engine into what a person reads. Nothing here asks or changes anything by itself."""
