"""Shared by all commands: log set-up, crash reports, refusals, text for a terminal."""
