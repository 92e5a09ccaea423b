"""To be said in one sentence: what core/commands is for."""
