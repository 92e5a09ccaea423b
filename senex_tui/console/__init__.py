"""To be said in one sentence: what senex_tui/console is for."""
