"""One panel a file; each is given plain values and draws them (ARCHITECTURE 3)."""
