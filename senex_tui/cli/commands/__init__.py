"""To be said in one sentence: what senex_tui/cli/commands is for."""
