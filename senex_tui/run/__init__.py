"""To be said in one sentence: what senex_tui/run is for."""
