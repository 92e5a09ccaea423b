"""Rules about what becomes of a trident after its fill: its units, targets, closing orders and what it earned."""
