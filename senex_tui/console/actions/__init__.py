"""What the keys and the palette do: the questions asked and the commands sent."""
