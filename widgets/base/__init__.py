"""What every panel is built from: base classes, lines, tones, number formats, key names."""
