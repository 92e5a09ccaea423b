"""Builds, starts, supervises and ends one trader on a thread of its own, and builds the snapshots for its screen."""
