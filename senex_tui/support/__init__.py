"""To be said in one sentence: what senex_tui/support is for."""
