"""To be said in one sentence: what senex_tui/doctor is for."""
