"""To be said in one sentence: what core/cycle is for."""
