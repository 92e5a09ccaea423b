"""Shared by all panels: base classes, lines, tones, number formats, key names."""
