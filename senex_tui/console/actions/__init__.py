"""To be said in one sentence: what senex_tui/console/actions is for."""
