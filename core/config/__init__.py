"""To be said in one sentence: what core/config is for."""
