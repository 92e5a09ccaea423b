"""To be said in one sentence: what core/remote is for."""
