"""To be said in one sentence: what senex_tui/console/screens is for."""
