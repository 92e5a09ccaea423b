"""To be said in one sentence: what core/engine is for."""
