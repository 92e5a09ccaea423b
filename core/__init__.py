"""The trading core: usable and tested alone, without a terminal."""
