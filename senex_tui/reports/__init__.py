"""To be said in one sentence: what senex_tui/reports is for."""
