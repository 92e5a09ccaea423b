"""The panels, one a file. Each gets plain values and draws them."""
