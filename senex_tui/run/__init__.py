"""Builds and runs a console, a headless trader, one cycle, a watcher or a replay."""
