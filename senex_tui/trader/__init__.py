"""To be said in one sentence: what senex_tui/trader is for."""
